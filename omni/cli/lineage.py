"""Where a media item came from, as a tree of what it was made of."""

from __future__ import annotations

from collections.abc import Iterator

from omni.cli.screen import fit, one_line, size
from omni.media import MediaRef, Shelf


def lines(shelf: Shelf, handle: str, columns: int) -> list[str]:
    """The item, how it was made, and below it what it was made of.

    Raises:
        UsageError: if the session has no such handle.
    """
    return [fit(_kept_in_line(line), columns) for line in _branch(shelf, shelf[handle], "", "", ())]


def _kept_in_line(line: str) -> str:
    """The line without breaks, with the space that it begins with."""
    inner = line.lstrip()
    return line[: len(line) - len(inner)] + one_line(inner)


def _branch(
    shelf: Shelf, ref: MediaRef, lead: str, rest: str, above: tuple[str, ...]
) -> Iterator[str]:
    """The lines of an item; what it is made of stands below, and a circle ends where it closes."""
    yield f"{lead}{ref.handle}  {ref.name} ({size(ref.size)})"
    made = ref.lineage
    if made is None:
        yield f"{rest}  attached"
        return
    how = [f"by {made.model}" if made.model else "made"]
    if made.seed is not None:
        how.append(f"seed {made.seed}")
    how += [f"{name} {value}" for name, value in made.parameters.items()]
    yield f"{rest}  {', '.join(how)}"
    if made.prompt:
        yield f"{rest}  “{made.prompt}”"
    for number, parent in enumerate(made.parents, 1):
        last = number == len(made.parents)
        begin, below = (
            (f"{rest}  └─ ", f"{rest}     ") if last else (f"{rest}  ├─ ", f"{rest}  │  ")
        )
        if parent in above or parent == ref.handle:
            yield f"{begin}{parent} (see above)"
        elif parent not in shelf:
            yield f"{begin}{parent} (not in this session)"
        else:
            yield from _branch(shelf, shelf[parent], begin, below, (*above, ref.handle))
