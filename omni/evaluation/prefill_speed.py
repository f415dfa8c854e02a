"""How long it takes to the first token with selection and without, and what the cache then holds.

The same model is read untouched and with fewer media tokens, in strict alternation, and the memory
of the cache is that of its tensors. In the same run, what was read with dropped tokens taken out is
compared to what the untouched model says where they are hidden by a mask.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from omni.compression.anatomy import decoder
from omni.compression.attach import Attachment, compress
from omni.compression.bypass import Bypass
from omni.errors import UsageError
from omni.evaluation.geometries import ON_CPU, ON_DEVICE, Geometry
from omni.evaluation.rows import Row

RIVAL = "the same model, untouched"
KEEPS = (1.0, 0.33, 0.2, 0.1, 0.05)
METHOD = "farthest"
_ENCODERS = ("get_image_features", "get_video_features", "select_media")


@dataclass(slots=True)
class Reading:
    """One prefill.

    Attributes:
        seconds: to the logits of the first token.
        encode: of them, in encoders.
        select: between the encoders and the language model: choosing and taking out.
        prefill: in the language model.
        kv_bytes: of the tensors in the cache.
        peak_bytes: the most memory of the process, or of the device; `None` if nobody knows.
        logits: of the first token.
    """

    seconds: float
    encode: float
    select: float
    prefill: float
    kv_bytes: int
    peak_bytes: int | None
    logits: Tensor


class Clock:
    """Marks when encoders and the language model begin and end."""

    def __init__(self, model: Any, device: torch.device):
        self.model, self.device = model, device
        self.encode = 0.0
        self.marks: dict[str, float] = {}

    def now(self) -> float:
        """Seconds, once the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    @contextmanager
    def around(self) -> Iterator[None]:
        """Time the encoders, and what happens before hooks that are registered later."""
        inner = self.model.base_model
        methods = {name: getattr(inner, name) for name in _ENCODERS if hasattr(inner, name)}
        before = {name: vars(inner).get(name) for name in methods}
        for name, method in methods.items():
            setattr(inner, name, self._timed(method))
        handle = self._mark("reached")
        try:
            yield
        finally:
            handle.remove()
            for name, own in before.items():
                delattr(inner, name)
                if own is not None:
                    setattr(inner, name, own)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Time the language model itself."""
        language = decoder(self.model)
        handles = [
            self._mark("started"),
            language.register_forward_hook(lambda *_: self.marks.update(ended=self.now())),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _mark(self, name: str) -> Any:
        language = decoder(self.model)
        return language.register_forward_pre_hook(lambda *_: self.marks.update({name: self.now()}))

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        from functools import wraps

        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            began = self.now()
            answer = method(*args, **kwargs)
            self.encode += self.now() - began
            return answer

        return call


def geometries_named(names: Sequence[str], device: torch.device | str) -> tuple[Geometry, ...]:
    """Those of a device whose names begin so; all if there is none.

    Raises:
        UsageError: if no name begins so.
    """
    known = ON_DEVICE if "cuda" in str(device) else ON_CPU
    for name in names:
        if not any(one.name.startswith(name) for one in known):
            wanted = "; ".join(one.name for one in known)
            raise UsageError(f"no geometry begins with {name!r}: wanted one of {wanted}")
    begins = tuple(names) or ("",)
    return tuple(one for one in known if one.name.startswith(begins))


def measure(
    repeats: int = 5,
    *,
    geometries: Sequence[Geometry] = (),
    keeps: Sequence[float] = KEEPS,
    method: str = METHOD,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    bypass: bool = True,
    told: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """A row for each geometry and share that is kept.

    Args:
        repeats: rounds that count; one before them does not, from which the bypass learns.
        geometries: by default those for the device.
        keeps: shares of media tokens.
        method: the selector.
        device: where.
        dtype: of random weights; bfloat16 by default.
        bypass: whether prompts are read whole where selecting does not pay.
        told: is given each row as soon as it is there.
    """
    device = torch.device(device)
    rows = []
    for geometry in geometries or (ON_DEVICE if device.type == "cuda" else ON_CPU):
        model, given = geometry.make(device, dtype or torch.bfloat16)
        known = Bypass(decoder(model)) if bypass else False
        for keep in keeps:
            rows.append(compare(geometry.name, model, given, keep, repeats, method, known))
            told(rows[-1])
        del model, given
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return rows


def compare(
    name: str,
    model: Any,
    given: dict[str, Any],
    keep: float,
    repeats: int,
    method: str = METHOD,
    bypass: Any = False,
) -> Row:
    """One share, in alternation with the untouched model."""
    ours: list[Reading] = []
    rival: list[Reading] = []
    attached: Attachment | None = None
    for turn in range(repeats + 1):
        whole, _ = read(model, given)
        short, attached = read(model, given, keep=keep, method=method, bypass=bypass)
        if turn:
            rival.append(whole)
            ours.append(short)
    assert attached is not None
    report = attached.reports[-1] if attached.reports else None
    whole = rival[-1].logits
    hidden = whole if not attached.selections else masked(model, given, attached)
    away = float((ours[-1].logits - hidden).abs().max() / hidden.abs().max())
    fast, slow = _median(ours, "seconds"), _median(rival, "seconds")
    rough = next(decoder(model).parameters()).dtype != torch.float32
    media = sum(of for _, _, of in report.items) if report else None
    row: Row = {
        "case": f"{name}, keep {100 * keep:g} %",
        "geometry": name,
        "method": method,
        "keep": keep,
        "dtype": str(next(decoder(model).parameters()).dtype).removeprefix("torch."),
        "prompt_tokens": given["input_ids"].shape[1],
        "media_tokens": media,
        "kept_tokens": report.kept if report else None,
        "bypassed": bool(report and not attached.selections),
        "seconds": round(fast, 5),
        "spread": round(max(r.seconds for r in ours) - min(r.seconds for r in ours), 5),
        "rival": RIVAL,
        "rival_seconds": round(slow, 5),
        "rival_spread": round(max(r.seconds for r in rival) - min(r.seconds for r in rival), 5),
        "ratio": round(slow / fast, 3),
        "paired_ratio": round(_paired(ours, rival), 3),
    }
    for part in ("encode", "select", "prefill"):
        row[f"{part}_seconds"] = round(_median(ours, part), 5)
        row[f"rival_{part}_seconds"] = round(_median(rival, part), 5)
    for part in ("kv_bytes", "peak_bytes"):
        row[part], row[f"rival_{part}"] = getattr(ours[-1], part), getattr(rival[-1], part)
    row |= {"difference": away, "equal": away <= (0.05 if rough else 1e-4)}
    if report and report.notes:
        row["notes"] = list(report.notes)
    return row


@torch.no_grad()
def read(
    model: Any, given: dict[str, Any], keep: float = 0.0, method: str = "", bypass: Any = False
) -> tuple[Reading, Attachment | None]:
    """Read a prompt, untouched if `keep` is 0."""
    device = given["input_ids"].device
    clock = Clock(model, device)
    _forget_peak(device)
    with clock.around():
        if keep:
            with compress(model, method, keep=keep, bypass=bypass, pages=0) as attached:
                return _read(model, given, clock), attached
        return _read(model, given, clock), None


def _read(model: Any, given: dict[str, Any], clock: Clock) -> Reading:
    with clock.inside():
        began = clock.now()
        output = model(**given, use_cache=True, logits_to_keep=1)
        seconds = clock.now() - began
    marks = clock.marks
    return Reading(
        seconds,
        clock.encode,
        marks["started"] - marks["reached"],
        marks["ended"] - marks["started"],
        kv_bytes(output.past_key_values),
        _peak(clock.device),
        output.logits[:, -1].float().cpu(),
    )


@torch.no_grad()
def masked(model: Any, given: dict[str, Any], attached: Attachment) -> Tensor:
    """What the untouched model says where the dropped tokens are hidden from it."""
    choice = attached.choices[-1]
    assert choice.shown is not None and choice.chosen is not None
    mask = torch.ones_like(given["input_ids"]).flatten()
    width = given["input_ids"].shape[1]
    media = [item.row * width + place for item in choice.items for place in item.places]
    mask[media] = 0
    mask[[choice.shown.flat[row] for row in choice.chosen.rows.tolist()]] = 1
    ids = given["input_ids"]
    hidden = {**given, "attention_mask": mask.view_as(ids)}
    if "image_grid_thw" not in given:
        hidden["position_ids"] = torch.arange(width, device=ids.device).expand_as(ids)
    else:  # positions along three axes follow from a mask that hides nothing
        model.base_model.rope_deltas = None
        rows, _ = model.base_model.get_rope_index(
            ids,
            mm_token_type_ids=given["mm_token_type_ids"],
            image_grid_thw=given["image_grid_thw"],
        )
        hidden["position_ids"] = rows
    return model(**hidden, logits_to_keep=1).logits[:, -1].float().cpu()


def kv_bytes(cache: Any) -> int:
    """Of all keys and values that a cache holds."""
    tensors = [part for layer in cache.layers for part in (layer.keys, layer.values)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _paired(ours: Sequence[Reading], rival: Sequence[Reading]) -> float:
    """The median of the ratios within rounds, to which other work on the machine matters less."""
    rounds = zip(ours, rival, strict=True)
    return statistics.median(slow.seconds / fast.seconds for fast, slow in rounds)


def _median(readings: Sequence[Reading], name: str) -> float:
    return statistics.median(getattr(reading, name) for reading in readings)


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        refs.write_text("5", encoding="ascii")  # the kernel's word for: begin the peak anew


def _peak(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    found = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return 1024 * int(found[0]) if found else None
