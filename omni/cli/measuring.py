"""What `omni eval` shows on standard error while it measures."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from omni.cli.screen import Screen, one_line
from omni.evaluation import nano
from omni.evaluation.rows import Cell, Row, cells_of


class Lines(nano.Progress):
    """Nothing but one line for each figure: what a log should hold."""

    def __init__(self, screen: Screen):
        self.screen = screen

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *failure: object) -> None:
        return None

    def end(self, row: Row) -> None:
        self.screen.notice(one_line("  ".join(cells_of(row))))


class Bar(nano.Progress):
    """A bar for the answers of the cell at hand, and the figures above it."""

    def __init__(self, screen: Screen):
        self.console = Console(file=screen.err)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task("preparing", total=None)

    def __enter__(self) -> Bar:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def begin(self, cell: Cell, turns: int) -> None:
        named = f"{cell.input} → {cell.output}, {cell.split}"
        self.bar.reset(self.task, description=named, total=turns)

    def step(self, answers: int) -> None:
        self.bar.advance(self.task, answers)

    def end(self, row: Row) -> None:
        self.console.print("  ".join(cells_of(row)), markup=False, highlight=False)
