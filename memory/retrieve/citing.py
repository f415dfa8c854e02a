"""Where a hit comes from, in the form in which answers cite."""

from __future__ import annotations

from pathlib import PurePath

from omni.content import Citation

from ..record import Hit


def cite(hit: Hit) -> Citation:
    """The spot of a hit; what is not known of it is left out, never made up.

    A record that came from no file is cited by its title, else by its id.
    """
    origin = hit.record.provenance
    if origin is None:
        return Citation(source=hit.record.title or hit.record.id, score=hit.score)
    return Citation(
        source=origin.source,
        page=origin.page,
        box=origin.box,
        span=origin.chars,
        seconds=origin.seconds,
        rows=origin.rows,
        score=hit.score,
    )


def spot(citation: Citation) -> str:
    """A citation in a few words, for people: `report.pdf, page 3`."""
    said = [PurePath(citation.source).name or citation.source]
    if citation.page is not None:
        said.append(f"page {citation.page}")
    if citation.seconds is not None:
        said.append("–".join(_clock(second) for second in citation.seconds))
    if citation.rows is not None:
        said.append(f"rows {citation.rows[0] + 1}–{max(citation.rows[1], citation.rows[0] + 1)}")
    if citation.box is not None:
        left, top, right, bottom = (round(100 * share) for share in citation.box)
        said.append(f"box {left}–{right} % across, {top}–{bottom} % down")
    if citation.span is not None:
        said.append(f"characters {citation.span[0]}–{citation.span[1]}")
    return ", ".join(said)


def _clock(second: float) -> str:
    minutes, rest = divmod(round(second, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"
