"""Series: measured columns over time or over an index, from tables of numbers."""

from omni.plugins import Component

from .media import SeriesModality

plugin = SeriesModality()

COMPONENTS = (
    Component(
        kind="modality",
        name="series",
        summary="Tables of numbers over time, mended and reported, as standardised curves.",
    ),
)
