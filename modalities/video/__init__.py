"""Video: MP4, WebM, MKV, MOV, AVI and animated GIF in and out."""

from omni.plugins import Component

from .media import VideoModality

COMPONENTS = (
    Component(
        kind="modality",
        name="video",
        summary="Video (MP4, WebM, MKV, MOV, AVI, animated GIF): frames by time, and its sound.",
    ),
)

plugin = VideoModality()
