"""Pictures and sounds by the embedded model, which knows a small world of shapes and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omni.errors import Failed
from omni.making import Made, Maker, Wish
from omni.media import Media
from omni.plugins import Component
from omni.wire import block_media, from_langchain, is_media

COMPONENTS = (
    Component("decoder", "nano", "Pictures and speech from the codes of the embedded model."),
)

_LEADS = {
    "image": ("Draw {}.", ("draw", "paint", "sketch", "plot", "make", "show", "illustrate")),
    "audio": ("Say {}.", ("say", "speak", "play", "make", "read", "sing", "pronounce")),
}


class Nano(Maker):
    """Asks omni-nano in the words of its lessons, and hands on what it makes."""

    makes = frozenset(_LEADS)

    def make(self, wish: Wish) -> Made:
        from langchain_core.messages import HumanMessage

        from omni.chat.omni import ChatOmni

        brain = ChatOmni(model="nano", device=self.device, seed=wish.seed)
        message = brain.invoke([HumanMessage(asked(wish.kind, wish.prompt))])
        blocks: list[Any] = message.content if isinstance(message.content, list) else []
        for block in blocks:
            if is_media(block):
                media = block_media(block)
                if media.modality == wish.kind:
                    return _made(block, media)
        failed = [part for part in from_langchain(message.content) if part.status != "delivered"]
        reason = failed[0].reason if failed else f"it only said {message.text.strip()!r}"
        raise Failed(
            f"omni-nano made no {wish.kind} of {wish.prompt!r}: {reason}. It draws simple shapes, "
            "solids and curves and says short words; name another maker for more, such as  "
            f"--maker {wish.kind}=FOLDER"
        )


def asked(kind: str, prompt: str) -> str:
    """The prompt as a wish in the words that omni-nano was taught."""
    form, verbs = _LEADS[kind]
    words = " ".join(prompt.split()).rstrip(".!")
    if words.partition(" ")[0].lower() in verbs:
        return f"{words}."
    return form.format(words)


def _made(block: Mapping[str, Any], media: Media) -> Made:
    said = block["extras"]["omni"]["lineage"]
    return Made(media, "omni-nano", said.get("seed"), said.get("parameters") or {})


plugin = Nano
