"""Length units: their names in comments, and how long each is."""

from __future__ import annotations

import re

METRES: dict[str, float] = {
    "um": 1e-6,
    "mm": 1e-3,
    "cm": 1e-2,
    "m": 1.0,
    "km": 1e3,
    "in": 0.0254,
    "ft": 0.3048,
}
"""Length of each unit that we name, in metres."""

_NAMES = {
    **{unit: unit for unit in METRES},
    **{"micron": "um", "microns": "um", "µm": "um", '"': "in", "inch": "in", "inches": "in"},
    **{"foot": "ft", "feet": "ft"},
    **{
        f"{prefix}{stem}{plural}": unit
        for prefix, unit in {"milli": "mm", "centi": "cm", "": "m", "kilo": "km"}.items()
        for stem in ("metre", "meter")
        for plural in ("", "s")
    },
}
_STATED = re.compile(rb"\bunits?\b\s*(?:[:=]|is|are|in)?\s*([A-Za-z\xb5\xc2\"]+)", re.IGNORECASE)


def stated_units(comments: bytes) -> str | None:
    """The unit that a file's comments state, such as `units: mm`, or `None`."""
    for match in _STATED.finditer(comments):
        word = match[1].decode("utf-8", "replace").lower()
        if word in _NAMES:
            return _NAMES[word]
    return None
