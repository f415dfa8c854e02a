"""Load an assembled model: the embedded one by its name, any other by its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMultimodalLM,
    AutoProcessor,
)
from transformers.utils import logging

from omni.errors import UsageError
from omni.model.config import OmniConfig
from omni.model.modeling import OmniModel
from omni.model.processor import OmniProcessor

if TYPE_CHECKING:
    from omni.device import Placement

EMBEDDED = "nano"
"""Name of the model that is in the package."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to run, and its processor.

    Attributes:
        name: what it was asked for by.
        path: the folder it lies in.
    """

    name: str
    path: Path
    model: OmniModel
    processor: OmniProcessor


def register() -> None:
    """Make transformers' Auto classes know the assembled model; importing this module does it."""
    AutoConfig.register("omni", OmniConfig, exist_ok=True)
    for auto in (AutoModel, AutoModelForCausalLM, AutoModelForMultimodalLM):
        auto.register(OmniConfig, OmniModel, exist_ok=True)
    AutoProcessor.register(OmniConfig, OmniProcessor, exist_ok=True)


def load(name: str | Path = EMBEDDED, placement: Placement | None = None) -> Loaded:
    """Load a model for use.

    Args:
        name: `nano`, or a folder that `save_pretrained` has written.
        placement: device and number format; `omni.device.place()` decides if it is `None`.

    Raises:
        UsageError: if there is no such model, or it is damaged, or its weights are pickled.
    """
    from omni.device import place

    placement = placement or place()
    path = find(name)
    try:
        with quiet():
            model = OmniModel.from_pretrained(
                path, dtype=placement.dtype, local_files_only=True, use_safetensors=True
            )
        processor = OmniProcessor.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UsageError(
            f"the model at {str(path)!r} cannot be loaded: {reason}; "
            "save it again with save_pretrained (weights are read from safetensors alone)"
        ) from None
    model = model.to(placement.device).eval()  # type: ignore[arg-type]
    return Loaded(str(name), path, model, processor)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of transformers, which would show for a fraction of a second."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def find(name: str | Path) -> Path:
    """The folder of a model.

    Raises:
        UsageError: if there is none, or it holds something else.
    """
    path = embedded() if str(name) == EMBEDDED else Path(name)
    if (path / "config.json").is_file():
        return path
    if str(name) == EMBEDDED:
        raise UsageError(
            "the embedded model is not in this installation: train it with  "
            "python -m omni.nano.train  or name another model"
        )
    raise UsageError(
        f"no model at {str(name)!r}: wanted {EMBEDDED!r} or a folder with a config.json"
    )


def embedded() -> Path:
    """Where the embedded model lies, whether or not it is there."""
    return Path(str(resources.files("omni.nano") / "weights"))


register()
