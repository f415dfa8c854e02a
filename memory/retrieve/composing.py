"""Media and a wish as one description: what is shown, with the words of the wish in their place."""

from __future__ import annotations

import re
import threading
from typing import Any, Protocol

from omni.modality import modality
from omni.plugins import Component

from ..record import Query
from ..words import GRAMMAR
from .telling import ASKS, WHAT, likelihoods, told

_WORD = re.compile(r"[^\W_]+")


class Composer(Protocol):
    """Makes one thing to look for out of several that were asked for at once."""

    def composed(self, query: Query) -> Query:
        """The query as it is to be looked for; itself where nothing is to be composed."""
        ...


class TellingComposer:
    """Looks for "a large blue circle", where a large red circle is shown with "but blue".

    A mean of both vectors is as near to all that is red as to all that is blue. Here an assembled
    model tells what is shown, each word of the wish takes the place of that word in whose place the
    model finds it likeliest, and the words that come of it are looked for (as in CIReVL, arXiv
    2310.09291, with no other language model). Where a word fits nowhere better than at the end, the
    wish is of another kind and the query is left as it is.

    Args:
        model: `nano`, or a folder of a saved model.
        placement: device and number format; `omni.device.place()` decides if it is `None`.
    """

    def __init__(self, model: str = "nano", *, placement: Any = None):
        self.model, self.placement = model, placement
        self._lock = threading.Lock()

    def composed(self, query: Query) -> Query:
        """A query in words alone, of one with words and one thing that the model can tell of.

        Raises:
            MediaError: if what is shown cannot be read.
        """
        from omni.model.loading import load

        wished = [word for word in _WORD.findall(query.text) if word.lower() not in GRAMMAR]
        if len(query.media) != 1 or not wished:
            return query
        with self._lock:
            loaded = load(self.model, self.placement)
            shown = query.media[0]
            if shown.modality not in loaded.model.encoders or shown.modality == "text":
                return query
            tokens, name = _encoded(loaded, shown), shown.modality
            ask = ASKS.get(name, WHAT)[-1]
            said = told(loaded, name, tokens, ask)
            for word in wished:
                said = _placed(loaded, name, tokens, ask, said, word)
                if not said:
                    return query
        return Query(said)


def _placed(loaded: Any, name: str, tokens: Any, ask: str, said: str, word: str) -> str:
    """The answer with a word where it is likeliest; empty if that is behind it all."""
    if word.lower() in (one.lower() for one in _WORD.findall(said)):
        return said
    ways = [f"{said.rstrip('.')} {word}."]
    ways += [said[: at.start()] + word + said[at.end() :] for at in _WORD.finditer(said)]
    scores = likelihoods(loaded, name, [tokens] * len(ways), ask, ways)
    best = max(range(len(ways)), key=lambda way: scores[way])
    return ways[best] if best else ""


def _encoded(loaded: Any, media: Any) -> Any:
    import torch

    kind = modality(media.modality)
    features = kind.features(kind.load(media))
    with torch.inference_mode():
        return loaded.model.encode_media(loaded.processor.plan([(media.modality, features)]))[0]


COMPONENTS = (
    Component(
        "reranker",
        "composer",
        "A picture and a wish as one description, by which what was wished for is found.",
        paper="CIReVL (arXiv 2310.09291)",
    ),
)
