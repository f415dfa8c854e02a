"""Still images: PNG, JPEG, WebP, GIF, BMP and TIFF in and out."""

from omni.plugins import Component

from .media import ImageModality

COMPONENTS = (
    Component(
        kind="modality",
        name="image",
        summary="Still images (PNG, JPEG, WebP, GIF, BMP, TIFF), upright and in RGB or RGBA.",
    ),
)

plugin = ImageModality()
