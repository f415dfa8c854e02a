"""What was dropped inside of a language model, as it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from omni.compression.attach import Attachment
from omni.compression.budget import Grid
from omni.compression.choosing import Choice
from omni.compression.dropping.descent import Descent
from omni.compression.items import Item, Shown
from omni.compression.layout import Portion
from omni.compression.runs import Run
from omni.compression.selector import Selection


@dataclass(slots=True)
class Dropped(Attachment):
    """What was dropped so far; `selections` say what was left in the end.

    Attributes:
        stages: what each cut left, of what the one before had left; prompt by prompt.
    """

    stages: list[tuple[Selection, ...]] = field(default_factory=list)

    def note(self, descent: Descent, kinds: Mapping[int, str], seconds: float) -> None:
        """Add what became of a prompt.

        Args:
            descent: at its end.
            kinds: what each placeholder stands for.
            seconds: how long dropping took.
        """
        whole = descent.whole
        if whole is None:
            return
        runs = descent.prompt.runs
        items = [
            _item(run, kinds[run.token], kept) for run, kept in zip(runs, whole.kept, strict=True)
        ]
        width = descent.first.width
        places = [run.row * width + place for run in runs for place in range(run.start, run.stop)]
        shown = Shown(
            items,
            list(range(len(items))),
            list(whole.kept),
            list(whole.lengths),
            [item.portions[0].grid for item in items],
            [False] * len(places),
            places,
            list(range(len(places))),
        )
        self.stages.append(tuple(descent.selections))
        self.add(Choice(items, shown=shown, chosen=whole, seconds=seconds))


def _item(run: Run, kind: str, kept: int) -> Item:
    grid = Grid(time=run.length) if kind == "audio" else Grid(width=run.length)
    portion = Portion(range(run.length), grid)
    return Item(run.row, list(range(run.start, run.stop)), kind, (portion,), keep=kept)
