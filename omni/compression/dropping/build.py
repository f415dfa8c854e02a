"""From what a user names to what runs: a method and where it cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from torch import nn

from omni import plugins
from omni.compression.anatomy import decoder, placeholders, unwrapped
from omni.compression.budget import Budget
from omni.compression.dropping.dropped import Dropped
from omni.compression.dropping.dropper import HEARS, Dropper, Within
from omni.compression.dropping.layers import Layers
from omni.compression.dropping.runner import Runner
from omni.compression.dropping.schedule import Schedule
from omni.errors import UsageError

GROUP = "compression.dropping"


def drops_inside(method: object) -> bool:
    """Whether a method, or the one of that name, works between layers."""
    return method in plugins.names(GROUP) if isinstance(method, str) else hasattr(method, "hears")


@contextmanager
def drop(
    model: nn.Module,
    method: Any,
    budget: Budget,
    place: str = "keep",
    schedule: Schedule | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Dropped]:
    """Let a model drop media tokens between its layers, for as long as the context lasts.

    Args:
        model: of transformers, also one that peft or `torch.compile` has wrapped.
        method: the name of a dropper or selector, or one; unless the schedule names it.
        budget: as in `build`.
        place: tokens can do nothing but `keep` their positions.
        schedule: as in `build`.
        settings: of the method, if it is named.

    Raises:
        UsageError: if the model is of no such kind, or these do not go together.
    """
    if place != "keep":
        raise UsageError(f"between layers tokens keep their positions: leave place={place!r} out")
    whole = unwrapped(model)
    runner = build(decoder(whole), placeholders(whole), budget, method, settings, schedule)
    handles = runner.attach(whole)
    try:
        yield runner.dropped
    finally:
        for handle in handles:
            handle.remove()


def build(
    decoder: nn.Module,
    kinds: Mapping[int, str],
    budget: Budget,
    method: Any,
    settings: Mapping[str, Any],
    schedule: Schedule | None = None,
) -> Runner:
    """What drops tokens inside of a language model.

    Args:
        decoder: the language model.
        kinds: what each placeholder stands for.
        budget: its total and its floor hold at each cut; its share is the method's to read.
        method: the name of a dropper or selector, or one; unless the schedule names it.
        settings: of the method, if it is named.
        schedule: where to cut; otherwise the method decides.

    Raises:
        UsageError: if these do not go together.
    """
    if schedule is not None and schedule.method:
        method, settings = schedule.method, {**schedule.settings, **settings}
    name = method if isinstance(method, str) else type(method).__name__
    if isinstance(method, str):
        group = GROUP if drops_inside(method) else "compression"
        method = plugins.load(group, method)(**settings)
    dropper: Dropper = method if hasattr(method, "hears") else Within(method)
    if dropper.hears not in HEARS:
        raise UsageError(f"hears is one of {HEARS}, not {dropper.hears!r}")
    layers = Layers(decoder)
    if schedule is None:
        schedule = dropper.schedule(budget.keep, layers.depth)
    elif budget.keep != 1:
        raise UsageError(f"a schedule says itself what is kept: leave keep={budget.keep} out")
    dropped = Dropped(budget, name, settings)
    return Runner(layers, kinds, dropper, schedule, dropped)
