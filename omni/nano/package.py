"""Put a trained model into the package: `python -m omni.nano.package runs/nano/model`."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
LIMIT_BYTES = 40_000_000
FORECASTER = "forecaster.safetensors"
FORECASTER_LIMIT_BYTES = 4_000_000
SCORER = "scorer.safetensors"
"""What `omni.nano.stages.scorer` has made for this very model; see `omni.compression.learned`."""


def package(model_folder: Path, target: Path = WEIGHTS) -> int:
    """Write the model in half precision into `target` and return its size in bytes.

    Raises:
        SystemExit: if it is larger than the package may carry.
    """
    import torch

    from omni.model.loading import register
    from omni.model.modeling import OmniModel
    from omni.model.processor import OmniProcessor
    from omni.nano.assemble import attach
    from omni.nano.stages import together

    register()
    scratch = target.with_name("weights.new")
    shutil.rmtree(scratch, ignore_errors=True)
    model = OmniModel.from_pretrained(model_folder, dtype=torch.float32)
    if together.done(model_folder.parent):
        # Heads are trained apart from the language model, which may have been joined to older ones.
        attach(model, model_folder.parent)
    halved = model.to(torch.float16)
    halved.save_pretrained(scratch)
    OmniProcessor.from_pretrained(model_folder).save_pretrained(scratch)
    package_forecaster(model_folder.parent, scratch)
    if (model_folder.parent / SCORER).exists():
        shutil.copy(model_folder.parent / SCORER, scratch / SCORER)
    size = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
    if size > LIMIT_BYTES:
        raise SystemExit(f"{size:,} bytes; the package carries at most {LIMIT_BYTES:,}")
    for kept in ("README.md", FORECASTER, SCORER):
        if (target / kept).exists() and not (scratch / kept).exists():
            shutil.copy(target / kept, scratch / kept)
    shutil.rmtree(target, ignore_errors=True)
    scratch.replace(target)
    return size


def package_forecaster(run: Path, target: Path = WEIGHTS) -> int:
    """Write the forecaster of a run in half precision into `target`; its size, 0 without one.

    Raises:
        SystemExit: if it is larger than the package may carry.
    """
    from safetensors.torch import load_file, save

    source = run / "forecast.safetensors"
    if not source.exists():
        return 0
    data = save({name: value.half() for name, value in load_file(source).items()})
    if len(data) > FORECASTER_LIMIT_BYTES:
        raise SystemExit(
            f"the forecaster has {len(data):,} bytes; "
            f"the package carries at most {FORECASTER_LIMIT_BYTES:,}"
        )
    (target / FORECASTER).write_bytes(data)
    return len(data)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and package."""
    parser = argparse.ArgumentParser(prog="python -m omni.nano.package", description=__doc__)
    parser.add_argument("model", type=Path, help="folder that the training has left")
    given = parser.parse_args(arguments)
    print(f"{package(given.model):,} bytes in {WEIGHTS.name}/")


if __name__ == "__main__":
    main()
