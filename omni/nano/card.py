"""Write the model card from what was measured: `python -m omni.nano.card RUN`.

The run folder holds what every stage of the training has written about itself, and beside that
`eval.json` and `bench.json`, which `omni eval nano --json` and `omni bench nano --json` print.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omni.evaluation import heatmap
from omni.evaluation.bars import Bar, bars
from omni.evaluation.rows import Row, percent, score_of
from omni.nano.package import WEIGHTS
from omni.nano.train import MINUTES
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
events of a series, beeps, sweeps and noise, and the spoken words of its world. Text is read by a
locked all-MiniLM-L6-v2 too, where that is installed; it is no part of these weights.

![what it can do: inputs down, outputs across](matrix.png)

## What was to be reached

| wanted | reached | |
|---|---|---|
{bars}

## Figures

{command}

Things come from seeds that training does not use. *Held-out pairs* have a combination (of colour
and shape or solid; of trend, season and event) that no encoder, no alignment and no language model
was trained on; the codecs of pictures and speech, which know no words, have seen all. Nor was what
is held out taught to be wrong: where an answer parts from the right one only by it, it is taken out
of the softmax. *Outside the world* are photographs, pages of text, songs, surfaces and prose: right
is who says that this is not known. Words are right if they are exactly right, but things that lie
in no order may be named in any; pictures are measured on their pixels; speech is heard by
pocketsphinx with a grammar of all phrases of its kind.

| input | output | split | n | score | judge |
|---|---|---|---|---|---|
{rows}

Measured on {device}, Python {python}, torch {torch}, transformers {transformers}.

## The router

The share of each expert, of the media tokens of the same questions (`omni eval nano --cells
'router*'`):

| modality | {experts} |
|---|{rule}
{loads}

## Speed

`omni bench nano --json`, {speed_device}; plain is `generate` of transformers on the same weights,
in alternation, and equal says that every token was the same:

| case | seconds | limit | plain | ratio | tokens/s | equal |
|---|---|---|---|---|---|---|
{times}

## Training

`make train ARGS="--minutes {budget:.0f} --out runs/nano"` trains it again: encoders and codecs
first, each on the world's own labels; then heads into the sentence space; then, on cached tokens,
the language model (Qwen3 architecture) with its adapters and a router over experts. {how}

| stage | minutes | what its own held-out test said |
|---|---|---|
{stages}

Weights are stored in half precision and run in single precision on a CPU.

`scorer.safetensors` beside them is the network of the selector `learned`: 0.13 million parameters,
which `python -m omni.nano.stages.scorer` taught through these weights, and which refuses others. It
was first shown where the things lie that a question names, and then what makes right
answers likely with few tokens. `omni eval compression` says what it is worth.
"""


def card(
    figures: Mapping[str, Any],
    speed: Mapping[str, Any],
    stages: Mapping[str, Mapping[str, Any]],
    how: str = "",
) -> str:
    """The text of the card.

    Args:
        figures: what `omni eval nano --json` printed.
        speed: what `omni bench nano --json` printed.
        stages: what each stage of the training has written about itself.
        how: what else is to be said of how these weights came about, such as the device.
    """
    rows: Sequence[Row] = figures["rows"]
    loads = [row for row in rows if "load" in row]
    experts = range(1, 1 + len(loads[0]["load"]) if loads else 1)
    minutes = {name: _minutes(found) for name, found in stages.items()}
    return _CARD.format(
        parameters=int(stages["language"]["parameters"]),
        colours=len(words.COLOURS),
        shapes=len(words.SHAPES),
        solids=len(words.SOLIDS),
        motions=len(words.MOTIONS),
        bars="\n".join(_bar(bar) for bar in bars(rows, speed["rows"])),
        command=_command(rows, figures),
        rows="\n".join(_figure(row) for row in rows if "load" not in row),
        device=figures["device"],
        **figures["versions"],
        experts=" | ".join(f"expert {number}" for number in experts),
        rule="---|" * len(experts),
        loads="\n".join(_cells(row["input"], *map(percent, row["load"])) for row in loads),
        speed_device=speed["device"],
        times="\n".join(_time(row) for row in speed["rows"]),
        budget=MINUTES,
        how=how,
        stages="\n".join(
            _cells(name, f"{minutes[name]:.1f}", f"`{json.dumps(_told(found))}`")
            for name, found in stages.items()
        ),
    )


def _command(rows: Sequence[Row], figures: Mapping[str, Any]) -> str:
    count = max((row["n"] for row in rows if row["output"] in heatmap.OUTPUTS), default=0)
    again = "a row alone with `--cells`, such as `omni eval nano --cells 'image>audio'`"
    seconds = figures.get("seconds", 0) / 60
    return (
        f"`omni eval nano --count {count}` measures all of them ({seconds:.0f} minutes here); "
        f"{again}."
    )


def _bar(bar: Bar) -> str:
    told = {True: "reached", False: "**not reached**", None: "not measured"}[bar.met]
    return _cells(bar.wanted, bar.reached, told)


def _figure(row: Row) -> str:
    score = score_of(row) if row["output"] == "forecast" else percent(row["score"])
    return _cells(row["input"], row["output"], row["split"], row["n"], score, row["judge"])


def _time(row: Row) -> str:
    limit = f"{row['limit_seconds']:.2g}" if "limit_seconds" in row else ""
    return _cells(
        row["case"],
        f"{row['seconds']:.3f}",
        limit,
        f"{row['rival_seconds']:.3f}",
        f"{row['ratio']:.2f}",
        f"{row['tokens_per_second']:.0f}",
        "yes" if row["equal"] else "no",
    )


def _cells(*cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def _minutes(found: Mapping[str, Any]) -> float:
    return float(found.get("minutes", 0.0))


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "minutes"}


def stage_figures(run: Path) -> dict[str, Any]:
    """The figures that the stages left in a run folder, with their minutes, in order of time."""
    found = {}
    for path in sorted(run.glob("*.figures.json"), key=lambda path: path.stat().st_mtime):
        name = path.name.split(".")[0]
        found[name] = {"minutes": _logged_minutes(run / f"{name}.log.jsonl")}
        found[name] |= rounded(json.loads(path.read_text()))
    return found


def _logged_minutes(log: Path) -> float:
    """When the last line of a stage's curve was written, in minutes of its training."""
    lines = log.read_text().splitlines() if log.exists() else []
    return float(json.loads(lines[-1]).get("minutes", 0.0)) if lines else 0.0


def rounded(value: Any) -> Any:
    """Every fraction with four digits."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return value


def write(run: Path, target: Path = WEIGHTS, how: str = "") -> None:
    """Write the card and its picture beside the weights."""
    figures = json.loads((run / "eval.json").read_text())
    speed = json.loads((run / "bench.json").read_text())
    heatmap.matrix(figures["rows"]).save(target / "matrix.png", optimize=True)
    (target / "README.md").write_text(card(figures, speed, stage_figures(run), how))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write the card beside the packaged weights."""
    parser = argparse.ArgumentParser(prog="python -m omni.nano.card", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder of the training")
    parser.add_argument("--how", default="", help="what else is to be said of the training")
    given = parser.parse_args(arguments)
    write(given.run, how=given.how)


if __name__ == "__main__":
    main()
