"""Query likelihood: how probable a model finds it that the question tells of what a hit shows.

Shapes: B hits of a batch, N tokens of a prompt, D those of the question.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from omni.errors import OmniError, Unsupported, UsageError
from omni.modality import modality
from omni.plugins import Component

from ..record import Hit, Query
from .rerank import Verdict, filled

_ASK = {"audio": "What is this?", "image": "What is in the picture?"}
_WHAT = "What is this?"
_KEPT = 256
"""Media whose encoder tokens are kept: the same ones come back for questions that are alike."""


class TellingReranker:
    """Hits in the order of how likely an assembled model would say the question of their media.

    A model that was taught to tell what it sees can weigh a description against it word by word,
    in which a red circle left of a blue square is not a blue circle left of a red one; one vector
    of the whole often cannot (query likelihood: Ponte and Croft, 1998; UPR, arXiv 2204.07496).
    Hits without media that the model reads are not looked at.

    Args:
        model: `nano`, or a folder of a saved model.
        batch: hits at once; a batch is one forward pass.
        most: hits that are looked at.
        placement: device and number format; `omni.device.place()` decides if it is `None`.

    Raises:
        UsageError: for a batch or a number of hits below 1.
    """

    def __init__(
        self, model: str = "nano", *, batch: int = 10, most: int = 20, placement: Any = None
    ):
        if batch < 1 or most < 1:
            raise UsageError(f"a reranker takes batches and hits from 1 up, not {batch}, {most}")
        self.model, self.batch, self.most, self.placement = model, batch, most, placement
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def score(self, query: Query, hits: Sequence[Hit]) -> list[float]:
        return filled(self.verdict(query, hits).scores)

    def verdict(self, query: Query, hits: Sequence[Hit]) -> Verdict:
        """The mean logarithm of the probability of the question's tokens, of each hit with media.

        Raises:
            Unsupported: for a query without words.
        """
        said = " ".join(query.text.split())
        if not said:
            raise Unsupported("what tells of media is words, and the query has none")
        said = said[0].upper() + said[1:] + ("" if said[-1] in ".!?" else ".")
        scores: list[float | None] = [None] * len(hits)
        notes: list[str] = []
        with self._lock:
            loaded = self._loaded()
            seen = [
                (place, tokens)
                for place, hit in enumerate(hits[: self.most])
                if (tokens := self._tokens(loaded, hit, notes)) is not None
            ]
            for start in range(0, len(seen), self.batch):
                some = seen[start : start + self.batch]
                shown = [(hits[place].record.modality, tokens) for place, tokens in some]
                for (place, _), score in zip(some, likelihoods(loaded, shown, said), strict=True):
                    scores[place] = score
        if len(seen) < len(hits):
            notes.append(f"{len(hits) - len(seen)} hits show nothing to tell of, or are too many")
        return Verdict(scores, notes)

    def _loaded(self) -> Any:
        from omni.model.loading import load

        return load(self.model, self.placement)

    def _tokens(self, loaded: Any, hit: Hit, notes: list[str]) -> Any:
        """What the model's encoder makes of the media; `None` if it has none for them."""
        import torch

        media = hit.record.media
        if media is None or media.modality == "text":
            return None
        if media.modality not in loaded.model.encoders:
            return None
        if media.digest in self._kept:
            self._kept.move_to_end(media.digest)
            return self._kept[media.digest]
        kind = modality(media.modality)
        try:
            features = kind.features(kind.load(media))
        except OmniError as error:
            notes.append(f"{hit.record.id} cannot be read: {error}")
            return None
        with torch.inference_mode():
            planned = loaded.processor.plan([(media.modality, features)])
            self._kept[media.digest] = loaded.model.encode_media(planned)[0]
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[media.digest]


def likelihoods(loaded: Any, shown: Sequence[tuple[str, Any]], said: str) -> list[float]:
    """The mean log-probability of words as the answer to what each of some media shows.

    Args:
        loaded: an assembled model and its processor.
        shown: modality and encoder tokens of each.
        said: the words.
    """
    import torch

    talks = [
        [
            {"role": "user", "content": [_media(*one), {"type": "text", "text": _asked(one[0])}]},
            {"role": "assistant", "content": [{"type": "text", "text": said}]},
        ]
        for one in shown
    ]
    inputs = loaded.processor.apply_chat_template(
        talks, tokenize=True, add_generation_prompt=False
    ).to(loaded.model.device)
    # The end mark is judged too: a description that stops short of what is seen is worse.
    last = len(loaded.processor.tokenizer(said, add_special_tokens=False)["input_ids"]) + 1
    with torch.inference_mode():
        logits = loaded.model(**inputs, logits_to_keep=last + 1).logits  # [B, D + 1, vocabulary]
    wanted = inputs["input_ids"][:, -last:]
    chosen = logits[:, -last - 1 : -1].float().log_softmax(-1).gather(2, wanted[..., None])
    return chosen[..., 0].mean(1).tolist()


def _media(name: str, tokens: Any) -> dict[str, Any]:
    return {"type": name, "tokens": tokens}


def _asked(name: str) -> str:
    return _ASK.get(name, _WHAT)


COMPONENTS = (
    Component(
        "reranker",
        "telling",
        "How likely an assembled model would say the question of what a hit shows.",
        paper="UPR (arXiv 2204.07496)",
    ),
)
