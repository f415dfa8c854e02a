"""Pictures, films and sounds by a pipeline of diffusers whose weights are on this machine."""

from __future__ import annotations

import inspect
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from omni.errors import Failed, UsageError
from omni.extras import need
from omni.making import Made, Maker, Wish
from omni.media import Media
from omni.modality import modality
from omni.plugins import Component

from .weights import folder_of, split

COMPONENTS = (
    Component(
        "decoder",
        "diffusers",
        "Pictures, films and sounds by a diffusion pipeline that a person names.",
        "NExT-GPT",
    ),
)

_SEEDS = 2**31
_FRAME_RATE = 8.0
_SAMPLE_RATE = 16_000


class Diffusers(Maker):
    """A pipeline of any class that takes a prompt; it is loaded when it first makes something.

    Only safetensors are read, and no code that comes with weights is run.
    """

    makes = frozenset({"image", "video", "audio"})
    takes = "a folder or hub id, then arguments of the pipeline, as ?num_inference_steps=4"

    def __init__(self, target: str = "", *, device: str = "auto"):
        super().__init__(target, device=device)
        name, self.arguments = split(target)
        self.name, self.folder = name, folder_of(name)
        self._pipeline: Any = None
        self._busy = threading.Lock()

    def make(self, wish: Wish) -> Made:
        import torch

        seed = secrets.randbelow(_SEEDS) if wish.seed is None else wish.seed
        with self._busy:
            pipeline = self._load()
            given = {**self.arguments, **_known(pipeline, wish.parameters)}
            try:
                answer = pipeline(
                    prompt=wish.prompt,
                    generator=torch.Generator("cpu").manual_seed(seed),
                    **_watched(pipeline),
                    **given,
                )
                if any(getattr(answer, "nsfw_content_detected", None) or ()):
                    raise Failed(
                        f"{self.name} held back what it made: its safety checker refused it"
                    )
                media = _media(wish.kind, answer, pipeline, self.name, given)
            except (ValueError, TypeError, RuntimeError, AttributeError) as error:
                text = " ".join(str(error).split())
                raise Failed(f"{self.name} made no {wish.kind} of this prompt: {text}") from None
        return Made(media, self.name, seed, {"pipeline": type(pipeline).__name__, **given})

    def _load(self) -> Any:
        if self._pipeline is None:
            diffusers: Any = need("diffusers")
            from omni.device import place

            where = place(self.device, "auto")
            try:
                with _quiet(diffusers):
                    pipeline = diffusers.DiffusionPipeline.from_pretrained(
                        self.folder,
                        use_safetensors=True,
                        local_files_only=True,
                        dtype=where.dtype,
                    )
            except (OSError, ValueError, TypeError, AttributeError) as error:
                text = " ".join(str(error).split())
                raise UsageError(f"{self.name} cannot be loaded as a pipeline: {text}") from None
            pipeline.set_progress_bar_config(disable=True)
            self._check(pipeline)
            pipeline = pipeline.to(where.device)
            # Older releases do not read `dtype` when they load; newer ones warn if told twice.
            fits = pipeline.dtype == where.dtype
            self._pipeline = pipeline if fits else pipeline.to(where.dtype)
        return self._pipeline

    def _check(self, pipeline: Any) -> None:
        kind = type(pipeline).__name__
        if "prompt" not in inspect.signature(pipeline.__call__).parameters:
            raise UsageError(f"{self.name} is a {kind}, which takes no prompt: name another")
        if unknown := sorted(set(self.arguments) - _takes(pipeline)):
            known = ", ".join(sorted(_takes(pipeline)))
            raise UsageError(f"{kind} takes no {', '.join(unknown)}; it takes {known}")


@contextmanager
def _quiet(diffusers: Any) -> Iterator[None]:
    """Without the progress bars of both libraries while weights are loaded."""
    from omni.model.loading import quiet

    bars = diffusers.utils.logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        with quiet():
            yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _takes(pipeline: Any) -> set[str]:
    return set(inspect.signature(pipeline.__call__).parameters) - {"prompt", "generator"}


def _known(pipeline: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    takes = _takes(pipeline)
    return {name: value for name, value in parameters.items() if name in takes}


def _watched(pipeline: Any) -> dict[str, Any]:
    """Leave between two steps, if the turn is stopped."""
    from omni.chat.cancelling import check

    def stop(_: Any, __: int, ___: Any, values: dict[str, Any]) -> dict[str, Any]:
        check()
        return values

    def stop_old(*_: Any) -> None:
        check()

    takes = _takes(pipeline)
    if "callback_on_step_end" in takes:
        return {"callback_on_step_end": stop}
    return {"callback": stop_old} if "callback" in takes else {}


def _media(kind: str, answer: Any, pipeline: Any, name: str, given: Mapping[str, Any]) -> Media:
    import numpy as np

    from omni.values import Clip, Waveform

    if kind == "image" and getattr(answer, "images", None) is not None:
        return modality("image").save(answer.images[0].convert("RGB"), name="image.png")
    if kind == "audio" and getattr(answer, "audios", None) is not None:
        samples = np.asarray(answer.audios[0], dtype=np.float32)
        samples = (
            samples.T if samples.ndim == 2 and samples.shape[0] < samples.shape[1] else samples
        )
        columns = samples if samples.ndim == 2 else samples[:, None]
        wave = Waveform(np.ascontiguousarray(columns.clip(-1, 1)), _rate(pipeline))
        return modality("audio").save(wave, name="sound.wav")
    if kind == "video" and getattr(answer, "frames", None) is not None:
        frames = np.stack([_pixels(frame) for frame in answer.frames[0]])
        rate = _frame_rate(pipeline, given)
        times = np.arange(len(frames)) / rate
        clip = Clip(frames, times, len(frames) / rate, rate)
        return modality("video").save(clip, name="film.mp4")
    raise Failed(f"{name} is a {type(pipeline).__name__}, which makes no {kind}")


def _frame_rate(pipeline: Any, given: Mapping[str, Any]) -> float:
    """As given, else as the pipeline itself assumes if it does."""
    takes = inspect.signature(pipeline.__call__).parameters
    for name in ("frame_rate", "fps"):
        rate = given.get(name) or (takes[name].default if name in takes else None)
        if isinstance(rate, int | float):
            return float(rate)
    return _FRAME_RATE


def _rate(pipeline: Any) -> int:
    for part in ("vocoder", "vae"):
        config = getattr(getattr(pipeline, part, None), "config", None)
        if found := getattr(config, "sampling_rate", None):
            return int(found)
    return _SAMPLE_RATE


def _pixels(frame: Any) -> Any:
    import numpy as np

    found = np.asarray(frame)
    return found if found.dtype == np.uint8 else (found.clip(0, 1) * 255).round().astype(np.uint8)


plugin = Diffusers
