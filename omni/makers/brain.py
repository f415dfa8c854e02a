"""Words about media by a chat model: the answer to a question about what is given."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from omni.errors import Failed
from omni.making import Made, Maker, Wish
from omni.media import Media
from omni.plugins import Component

COMPONENTS = (Component("decoder", "brain", "Words about media, by any chat model by name."),)


class BrainMaker(Maker):
    """Asks a chat model about the sources.

    Args:
        target: which model, as `--model` takes it; the embedded one if empty.
        device: where it runs.
        model: a model that is open already, in place of `target`.
    """

    makes = frozenset({"text"})
    takes = "a model, as --model takes it"

    def __init__(
        self, target: str = "", *, device: str = "auto", model: BaseChatModel | None = None
    ):
        super().__init__(target or "nano", device=device)
        self._model = model

    @property
    def model(self) -> BaseChatModel:
        """The chat model; it is opened when it is first asked."""
        if self._model is None:
            from omni.chat.brain import brain

            self._model = brain(self.target, device=self.device)
        return self._model

    def make(self, wish: Wish) -> Made:
        from omni.chat.offload import model_name

        content: list[Any] = [
            block for media in wish.sources for block in _blocks(media, self.model)
        ]
        content.append({"type": "text", "text": wish.prompt})
        answer = self.model.invoke([HumanMessage(content=content)])
        words = answer.text.strip()
        name = model_name(self.model)
        if not words:
            raise Failed(f"{name} said nothing")
        media = Media.from_bytes(
            words.encode(), modality="text", mime="text/plain", name="answer.txt"
        )
        return Made(media, "omni-nano" if name == "nano" else name, words=words)


def _blocks(media: Media, model: BaseChatModel) -> list[dict[str, Any]]:
    """The media as the model takes them: as they are, or as pictures, words and facts."""
    from omni.chat.presenting import Presenter
    from omni.chat.returning import MEDIA_KEY, accepted
    from omni.wire import block_type

    if getattr(model, "media_in_place", False):
        extras = {"filename": media.name, MEDIA_KEY: media}
        return [{"type": block_type(media.modality), "extras": extras}]
    return Presenter(accepted(model)).blocks(media)


plugin = BrainMaker
