"""Write the model card from measured figures: `python -m omni.nano.card FIGURES [RUN]`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omni.nano.package import WEIGHTS
from omni.nano.world import words

_CARD = """\
---
license: apache-2.0
library_name: omni-agent
---

# omni-nano

The embedded model of Omni: {parameters:,} parameters, trained from nothing by this repository on a
procedural world, so that a first run needs no download. It is small and says so: it knows
{colours} colours, {shapes} flat shapes, {solids} solids, {motions} motions, the trend, season and
events of a series, beeps, sweeps and noise, and the spoken words of its world. What lies outside,
it will often mistake for something inside.

## Figures

Each row is measured by `python -m omni.nano.evaluate --count {count}` on things from seeds that
training does not use, the whole way from the decoded value to the judged answer. *Held-out pairs*
are pairs of colour and shape that no stage of the language model or of an encoder was trained on
(the picture and speech codecs, which know no words, have seen them). Words are judged by the exact
answer, pictures by colour, shape, size and place measured on the pixels, speech by pocketsphinx
with a grammar of every coloured thing. Questions are in the wordings of the training. *Trained
pairs* are wishes for what was drawn or said in training: they measure that it is done right, not
that it is new.

| input | output | split | n | right | judge |
|---|---|---|---|---|---|
{rows}

Measured on {device}, Python {python}, torch {torch}.

## Training

`make train ARGS="--minutes 90 --out runs/nano"`; encoders and codecs first, then, on their cached
tokens, the language model (Qwen3 architecture) with its adapters and a router over experts.

These weights are not from one run of that command. The same stages ran one by one on two CPU cores
that other work shared: by our estimate 120 CPU minutes in all (90 minutes of two cores have 180).
The image, audio and points stages were continued from their first result, the language model, after
35 minutes, for 9 more with longer dialogues, which `omni.nano.lessons` now has from the start.
What each stage's own held-out test said:

{stages}

Weights are stored in half precision and run in single precision on a CPU.
"""


def card(figures: Mapping[str, Any], stages: Mapping[str, Mapping[str, Any]], size: int) -> str:
    """The text of the card.

    Args:
        figures: what `omni.nano.evaluate` printed.
        stages: what each stage of the training has written about itself.
        size: number of parameters.
    """
    rows = [
        f"| {row['input']} | {row['output']} | {row['split']} | {row['n']} "
        f"| {100 * row['score']:.1f} % | {row['judge']} |"
        for row in figures["rows"]
    ]
    return _CARD.format(
        parameters=size,
        colours=len(words.COLOURS),
        shapes=len(words.SHAPES),
        solids=len(words.SOLIDS),
        motions=len(words.MOTIONS),
        count=max(row["n"] for row in figures["rows"]),
        rows="\n".join(rows),
        device=figures["device"],
        **figures["versions"],
        stages="\n".join(f"- {name}: `{json.dumps(found)}`" for name, found in stages.items()),
    )


def stage_figures(run: Path) -> dict[str, Any]:
    """The figures that the stages left in a run folder."""
    paths = sorted(run.glob("*.figures.json"))
    return {path.name.split(".")[0]: rounded(json.loads(path.read_text())) for path in paths}


def rounded(value: Any) -> Any:
    """Every fraction with four digits."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return value


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write the card beside the packaged weights."""
    parser = argparse.ArgumentParser(prog="python -m omni.nano.card", description=__doc__)
    parser.add_argument("figures", type=Path, help="JSON that omni.nano.evaluate has written")
    parser.add_argument("run", type=Path, help="run folder of the training")
    given = parser.parse_args(arguments)
    figures, stages = json.loads(given.figures.read_text()), stage_figures(given.run)
    size = int(stages["language"]["parameters"])
    (WEIGHTS / "README.md").write_text(card(figures, stages, size))


if __name__ == "__main__":
    main()
