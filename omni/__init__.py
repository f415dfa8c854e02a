"""Omni: an any-to-any multimodal agent framework."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.chat.approving import Allow, Edit, Refuse
    from omni.chat.brain import brain
    from omni.chat.byreference import MediaByReference
    from omni.chat.limits import Limits, Price
    from omni.chat.omni import ChatOmni
    from omni.chat.transformers import ChatTransformers
    from omni.compression.attach import compress
    from omni.compression.budget import Budget
    from omni.content import Answer, MediaPart, TextPart
    from omni.errors import OmniError
    from omni.media import Access, Lineage, Media, MediaRef
    from omni.modality import Modality, media_from_bytes, open_media

__version__ = "0.1.0"

_PLACES = {
    "Access": "omni.media",
    "Agent": "omni.chat.agent",
    "Allow": "omni.chat.approving",
    "Answer": "omni.content",
    "Budget": "omni.compression.budget",
    "ChatOmni": "omni.chat.omni",
    "ChatTransformers": "omni.chat.transformers",
    "Edit": "omni.chat.approving",
    "Limits": "omni.chat.limits",
    "Lineage": "omni.media",
    "Media": "omni.media",
    "MediaByReference": "omni.chat.byreference",
    "MediaPart": "omni.content",
    "MediaRef": "omni.media",
    "Modality": "omni.modality",
    "OmniError": "omni.errors",
    "Price": "omni.chat.limits",
    "Refuse": "omni.chat.approving",
    "TextPart": "omni.content",
    "brain": "omni.chat.brain",
    "compress": "omni.compression.attach",
    "media_from_bytes": "omni.modality",
    "open_media": "omni.modality",
}
"""Where each public name lives; its module is imported when the name is first used."""

__all__ = [
    "Access",
    "Agent",
    "Allow",
    "Answer",
    "Budget",
    "ChatOmni",
    "ChatTransformers",
    "Edit",
    "Limits",
    "Lineage",
    "Media",
    "MediaByReference",
    "MediaPart",
    "MediaRef",
    "Modality",
    "OmniError",
    "Price",
    "Refuse",
    "TextPart",
    "__version__",
    "brain",
    "compress",
    "media_from_bytes",
    "open_media",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'omni' has no attribute {name!r}")
    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
