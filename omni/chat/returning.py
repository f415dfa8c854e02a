"""Put bytes back into messages for one model call, in the forms that the model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from omni.chat.presenting import Presenter
from omni.errors import OmniError
from omni.media import HANDLE, MediaRef, Shelf
from omni.wire import OUR_KEY, block_ref, block_type, is_media

MEDIA_KEY = "media"
"""Where a block for a model of this process holds a `Media`; JSON cannot forge one."""

MAX_BYTES = 20 << 20
"""At most this many bytes of media go into one call; older ones are told of instead."""

_PROFILE = {
    "image_inputs": "image",
    "audio_inputs": "audio",
    "video_inputs": "video",
    "pdf_inputs": "pdf",
}


def accepted(model: Any) -> frozenset[str]:
    """The modalities that a chat model takes.

    Our own models say it themselves; others through their profile; of one that has no profile we
    suppose that it takes pictures.
    """
    own = getattr(model, "media_inputs", None)
    if own is not None:
        return frozenset(own)
    profile = getattr(model, "profile", None)
    if not profile:
        return frozenset({"image"})
    return frozenset(name for key, name in _PROFILE.items() if profile.get(key))


class Returning:
    """Shows the media of a session to models.

    Media of tools and of earlier answers are shown in a user message after them, since that is the
    only place where every service takes media.
    """

    def __init__(self, shelf: Shelf, *, max_bytes: int = MAX_BYTES):
        self.shelf = shelf
        self.max_bytes = max_bytes
        self._presenters: dict[frozenset[str], Presenter] = {}

    def messages(self, messages: Sequence[AnyMessage], model: Any) -> list[AnyMessage]:
        """The messages as this model takes them."""
        if getattr(model, "media_in_place", False):
            return [self._in_place(message) for message in messages]
        accepts = accepted(model)
        presenter = self._presenters.setdefault(accepts, Presenter(accepts))
        chosen = self._within(messages)
        tool_images = bool((getattr(model, "profile", None) or {}).get("image_tool_message"))
        return _Carrier(self.shelf, presenter, chosen, tool_images=tool_images).walk(messages)

    def _within(self, messages: Sequence[AnyMessage]) -> set[str]:
        """Handles whose bytes go along: those named in the question, then the newest ones."""
        refs = [ref for message in messages for ref in _refs(message)]
        question = next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)
        named = {match[0] for match in HANDLE.finditer(question.text if question else "")}
        order = sorted(reversed(refs), key=lambda ref: ref.handle not in named)
        chosen: set[str] = set()
        spent = 0
        for ref in order:
            if ref.handle in chosen:
                continue
            if chosen and spent + ref.size > self.max_bytes:
                break
            chosen.add(ref.handle)
            spent += ref.size
        return chosen

    def _in_place(self, message: AnyMessage) -> AnyMessage:
        """For models of this process: the media themselves, which are read when they are needed."""
        if not isinstance(message.content, list):
            return message
        content: list[Any] = []
        for block in message.content:
            ref = _ref(block)
            if ref is None:
                content += _plain(block)
                continue
            try:
                media = self.shelf.media(ref.handle)
            except OmniError as error:
                content.append({"type": "text", "text": f"({error})"})
                continue
            extras = {"filename": ref.name, "handle": ref.handle, MEDIA_KEY: media}
            content.append(
                {"type": block_type(ref.modality), "file_id": ref.handle, "extras": extras}
            )
        return message.model_copy(update={"content": content})


class _Carrier:
    """Walks through messages and carries media of tools and answers to the next user message."""

    def __init__(self, shelf: Shelf, presenter: Presenter, chosen: set[str], *, tool_images: bool):
        self.shelf = shelf
        self.presenter = presenter
        self.chosen = chosen
        self.tool_images = tool_images
        self.carried: list[dict[str, Any]] = []

    def walk(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        walked: list[AnyMessage] = []
        previous: AnyMessage | None = None
        for message in messages:
            after_tools = isinstance(previous, ToolMessage) and not isinstance(message, ToolMessage)
            if after_tools and not isinstance(message, HumanMessage):
                walked += self._unload()
            walked.append(self._message(message))
            previous = message
        return walked + self._unload()

    def _unload(self) -> list[AnyMessage]:
        carried, self.carried = self.carried, []
        return [HumanMessage(content=carried)] if carried else []  # type: ignore[arg-type]

    def _message(self, message: AnyMessage) -> AnyMessage:
        if isinstance(message, HumanMessage):
            return self._user(message)
        if not isinstance(message.content, list):
            return _answered(message)
        content: list[Any] = []
        for block in message.content:
            ref = _ref(block)
            if ref is None:
                content += _plain(block)
                continue
            shown = self._shown(ref)
            if isinstance(message, ToolMessage) and self.tool_images and _all_pictures(shown):
                content += shown
            else:
                content.append({"type": "text", "text": f"[{ref.handle}: {ref.name}]"})
                self.carried += shown
        return _answered(message.model_copy(update={"content": content}))

    def _user(self, message: HumanMessage) -> HumanMessage:
        carried, self.carried = self.carried, []
        if not isinstance(message.content, list):
            if not carried:
                return message
            words: list[Any] = [{"type": "text", "text": message.content}]
            return message.model_copy(update={"content": [*carried, *words]})
        content: list[Any] = list(carried)
        for block in message.content:
            ref = _ref(block)
            content += _plain(block) if ref is None else self._shown(ref)
        return message.model_copy(update={"content": content})

    def _shown(self, ref: MediaRef) -> list[dict[str, Any]]:
        if ref.handle not in self.chosen:
            return [_told(ref)]
        made = ", made here" if ref.lineage else ""
        label = {"type": "text", "text": f"[{ref.handle}: {ref.name}{made}]"}
        return [label, *_show(self.shelf, self.presenter, ref)]


def _show(shelf: Shelf, presenter: Presenter, ref: MediaRef) -> list[dict[str, Any]]:
    try:
        return presenter.blocks(shelf.media(ref.handle))
    except OmniError as error:
        return [{"type": "text", "text": f"({error})"}]


def _told(ref: MediaRef) -> dict[str, Any]:
    facts = f"{ref.handle}: {ref.name}, {ref.mime}, {ref.size:,} bytes"
    return {"type": "text", "text": f"[{facts}; shown earlier, not shown again]"}


def _ref(block: Any) -> MediaRef | None:
    return block_ref(block) if isinstance(block, Mapping) and is_media(block) else None


def _refs(message: AnyMessage) -> list[MediaRef]:
    content = message.content if isinstance(message.content, list) else []
    return [ref for block in content if (ref := _ref(block))]


def _plain(block: Any) -> list[Any]:
    """A block without our own marks; a failed part in words."""
    if not isinstance(block, Mapping):
        return [block]
    value = block.get("value")
    if block.get("type") == "non_standard" and isinstance(value, Mapping) and OUR_KEY in value:
        ours = value[OUR_KEY]
        text = f"({ours.get('type')} {ours.get('status')}: {ours.get('reason') or 'no reason'})"
        return [{"type": "text", "text": text}]
    extras = block.get("extras")
    if isinstance(extras, Mapping) and OUR_KEY in extras:
        rest = {key: item for key, item in extras.items() if key != OUR_KEY}
        bare = {key: item for key, item in block.items() if key != "extras"}
        return [bare | ({"extras": rest} if rest else {})]
    return [block]


def _answered(message: AnyMessage) -> AnyMessage:
    """An answer that never came is said not to have come: services refuse empty messages."""
    empty = isinstance(message, AIMessage) and not message.content and not message.tool_calls
    return message.model_copy(update={"content": "(no answer was given)"}) if empty else message


def _all_pictures(blocks: Sequence[Mapping[str, Any]]) -> bool:
    return all(block.get("type") in ("image", "text") for block in blocks)
