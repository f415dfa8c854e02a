"""Lay a packaged model out as a run folder, from which training goes on.

`python -m omni.nano.unpack runs/nano`: every stage but the last then counts as done, and
`make train` teaches the language model further instead of from nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from omni.nano.assemble import TOKENIZER
from omni.nano.package import FORECASTER, WEIGHTS

PARTS: Mapping[str, tuple[str, str]] = {
    "image": ("encoders.image.", "image.encoder"),
    "video": ("encoders.video.", "video.encoder"),
    "points": ("encoders.points.", "points.encoder"),
    "series": ("encoders.series.", "series.encoder"),
    "audio": ("encoders.audio.", "audio_encoder"),
    "image_codec": ("decoders.image.", "image_codec"),
    "audio_codec": ("decoders.audio.", "audio_decoder"),
}
"""Stage → how its weights begin in the model, and the file that the stage leaves them in."""

EMBEDDERS = "embedders."


def unpack(out: Path, model: Path = WEIGHTS) -> None:
    """Write the stages' files of a model folder into a run folder.

    Raises:
        SystemExit: if there is a run already.
    """
    from safetensors.torch import load_file, save_file

    if any(out.glob("*.safetensors")):
        raise SystemExit(f"{out} holds a run already: name an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: _single(value) for name, value in load_file(model / _FILE).items()}
    for stage, (start, file) in PARTS.items():
        own = {name[len(start) :]: v for name, v in weights.items() if name.startswith(start)}
        save_file(own, out / f"{file}.safetensors")
        _done(out, stage)
    heads = {name: value for name, value in weights.items() if name.startswith(EMBEDDERS)}
    save_file(heads, out / "align.safetensors")
    _done(out, "align")
    rest = {f"module.{name}": v for name, v in weights.items() if name not in heads}
    save_file(rest, out / "language.partial.safetensors", {"step": "0", "seconds": "0"})
    shutil.copytree(model, out / TOKENIZER, ignore=lambda _, names: _others(names))
    if (model / FORECASTER).exists():
        forecaster = {name: _single(v) for name, v in load_file(model / FORECASTER).items()}
        save_file(forecaster, out / "forecast.safetensors")
        _done(out, "forecast")


_FILE = "model.safetensors"


def _single(value):
    """In single precision, if it is a fraction at all."""
    return value.float() if value.is_floating_point() else value


def _others(names: Sequence[str]) -> list[str]:
    return [name for name in names if not name.startswith("tokenizer")]


def _done(out: Path, stage: str) -> None:
    (out / f"{stage}.figures.json").write_text(json.dumps({"unpacked": True}) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and unpack."""
    parser = argparse.ArgumentParser(prog="python -m omni.nano.unpack", description=__doc__)
    parser.add_argument("out", type=Path, help="an empty run folder")
    parser.add_argument("--model", type=Path, default=WEIGHTS, help="folder of a model")
    given = parser.parse_args(arguments)
    unpack(given.out, given.model)


if __name__ == "__main__":
    main()
