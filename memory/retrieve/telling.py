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

ASKS = {
    "image": ("What is in the picture?", "Name everything, from left to right."),
    "audio": ("What is this?",),
}
WHAT = ("What is this?",)
NEARNESS = 50.0
"""What a likeness of 1 counts for, in nats: about as sharp as heads are when they have learnt."""

_TRIED = 2
"""Hits by which it is found out as the answer to which question the words are likeliest."""

_LONGEST = 80
"""Tokens of an answer about media."""

_KEPT = 256
"""Media whose encoder tokens are kept: the same ones come back for questions that are alike."""


class TellingReranker:
    """Hits in the order of how likely an assembled model would say the question of their media.

    A model that was taught to tell what it sees can weigh a description against it word by word,
    in which a red circle left of a blue square is not a blue circle left of a red one; one vector
    of the whole often cannot (query likelihood: Ponte and Croft, 1998; UPR, arXiv 2204.07496).
    Words are read as the answer to whichever question makes them likeliest, and nearness in the
    model's shared space is heard beside: it errs elsewhere (as BLIP adds both, arXiv 2201.12086).
    Hits without media that the model reads are not looked at.

    Args:
        model: `nano`, or a folder of a saved model.
        batch: hits at once; a batch is one forward pass.
        most: hits that are looked at.
        nearness: what a likeness of 1 in the shared space counts for, in nats; 0 leaves it out.
        placement: device and number format; `omni.device.place()` decides if it is `None`.

    Raises:
        UsageError: for a batch or a number of hits below 1.
    """

    def __init__(
        self,
        model: str = "nano",
        *,
        batch: int = 10,
        most: int = 20,
        nearness: float = NEARNESS,
        placement: Any = None,
    ):
        if batch < 1 or most < 1:
            raise UsageError(f"a reranker takes batches and hits from 1 up, not {batch}, {most}")
        self.model, self.batch, self.most, self.placement = model, batch, most, placement
        self.nearness = nearness
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def score(self, query: Query, hits: Sequence[Hit]) -> list[float]:
        return filled(self.verdict(query, hits).scores)

    def verdict(self, query: Query, hits: Sequence[Hit]) -> Verdict:
        """Of each hit with media, how likely the question is told of it, in nats, and how near.

        Raises:
            Unsupported: for a query without words.
        """
        said = " ".join(query.text.split())
        if not said:
            raise Unsupported("what tells of media is words, and the query has none")
        scores: list[float | None] = [None] * len(hits)
        notes: list[str] = []
        with self._lock:
            loaded = self._loaded()
            seen = self._seen(loaded, hits[: self.most], notes)
            for name in dict.fromkeys(hits[place].record.modality for place in seen):
                places = [place for place in seen if hits[place].record.modality == name]
                tokens = [seen[place] for place in places]
                found = self._told(loaded, name, tokens, said)
                for place, score in zip(places, found, strict=True):
                    scores[place] = score
        if len(seen) < len(hits):
            notes.append(f"{len(hits) - len(seen)} hits show nothing to tell of, or are too many")
        return Verdict(scores, notes)

    def _told(self, loaded: Any, name: str, tokens: Sequence[Any], said: str) -> list[float]:
        """Scores of media of one modality."""
        sentence = said[0].upper() + said[1:] + ("" if said[-1] in ".!?" else ".")
        asks = ASKS.get(name, WHAT)
        some = tokens[: min(_TRIED, self.batch)]
        tried = {ask: likelihoods(loaded, name, some, ask, [sentence] * len(some)) for ask in asks}
        ask = max(asks, key=lambda one: sum(tried[one]))
        found = list(tried[ask])
        for start in range(len(found), len(tokens), self.batch):
            some = tokens[start : start + self.batch]
            found += likelihoods(loaded, name, some, ask, [sentence] * len(some))
        near = nearness(loaded, name, tokens, said) if self.nearness else [0.0] * len(tokens)
        return [told + self.nearness * one for told, one in zip(found, near, strict=True)]

    def _loaded(self) -> Any:
        from omni.model.loading import load

        return load(self.model, self.placement)

    def _seen(self, loaded: Any, hits: Sequence[Hit], notes: list[str]) -> dict[int, Any]:
        """What the model's encoders make of the media, by place; those it has none for are out."""
        import torch

        fresh: dict[str, tuple[str, Any]] = {}
        for hit in hits:
            media = hit.record.media
            if media is None or not self._is_read(loaded, media.modality):
                continue
            if media.digest in self._kept:
                self._kept.move_to_end(media.digest)
            elif media.digest not in fresh:
                kind = modality(media.modality)
                try:
                    fresh[media.digest] = media.modality, kind.features(kind.load(media))
                except OmniError as error:
                    notes.append(f"{hit.record.id} cannot be read: {error}")
        with torch.inference_mode():
            planned = loaded.processor.plan(list(fresh.values()))
            encoded = loaded.model.encode_media(planned)
        self._kept.update(zip(fresh, encoded, strict=True))
        seen = {
            place: self._kept[hit.record.media.digest]
            for place, hit in enumerate(hits)
            if hit.record.media is not None and hit.record.media.digest in self._kept
        }
        while len(self._kept) > max(_KEPT, self.most):
            self._kept.popitem(last=False)
        return seen

    @staticmethod
    def _is_read(loaded: Any, name: str) -> bool:
        return name != "text" and name in loaded.model.encoders


def likelihoods(
    loaded: Any, name: str, shown: Sequence[Any], ask: str, said: Sequence[str]
) -> list[float]:
    """The log-probability of words as the answer to a question about each of some media.

    Args:
        loaded: an assembled model and its processor.
        name: modality of the media.
        shown: encoder tokens of each.
        ask: the question.
        said: the words, one answer for each of the media.
    """
    import torch

    talks = [
        [_question(name, tokens, ask), {"role": "assistant", "content": [_text(answer)]}]
        for tokens, answer in zip(shown, said, strict=True)
    ]
    inputs = loaded.processor.apply_chat_template(
        talks, tokenize=True, add_generation_prompt=False
    ).to(loaded.model.device)
    written = loaded.processor.tokenizer(list(said), add_special_tokens=False)["input_ids"]
    # The end mark is judged too: a description that stops short of what is seen is worse.
    lengths = torch.tensor([len(ids) + 1 for ids in written], device=inputs["input_ids"].device)
    last = int(lengths.max())
    with torch.inference_mode():
        logits = loaded.model(**inputs, logits_to_keep=last + 1).logits  # [B, D + 1, vocabulary]
    wanted = inputs["input_ids"][:, -last:]  # rows are padded at the left
    chosen = logits[:, -last - 1 : -1].float().log_softmax(-1).gather(2, wanted[..., None])
    own = torch.arange(last, 0, -1, device=lengths.device) <= lengths[:, None]
    return chosen[..., 0].where(own, 0.0).sum(1).tolist()


def told(loaded: Any, name: str, tokens: Any, ask: str) -> str:
    """What an assembled model answers to a question about one of some media, at its likeliest."""
    import torch

    inputs = loaded.processor.apply_chat_template(
        [[_question(name, tokens, ask)]], tokenize=True, add_generation_prompt=True
    ).to(loaded.model.device)
    with torch.inference_mode():
        found = loaded.model.generate(**inputs, max_new_tokens=_LONGEST, do_sample=False)
    ids = found[0, inputs["input_ids"].shape[1] :]
    return loaded.processor.tokenizer.decode(ids, skip_special_tokens=True).strip()


def nearness(loaded: Any, name: str, shown: Sequence[Any], said: str) -> list[float]:
    """The cosine of words and each of some media; 0 where the model has no shared space for both.

    Args:
        loaded: an assembled model.
        name: modality of the media.
        shown: encoder tokens of each.
        said: the words.
    """
    import torch

    model = loaded.model
    if name not in model.embedders or "text" not in model.encoders:
        return [0.0] * len(shown)
    with torch.inference_mode():
        asked, media = model.embed("text", [said]), model.embed(name, shown)
    return torch.cosine_similarity(media.float(), asked.float()).tolist()


def _question(name: str, tokens: Any, ask: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": name, "tokens": tokens}, _text(ask)]}


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


COMPONENTS = (
    Component(
        "reranker",
        "telling",
        "How likely an assembled model would say the question of what a hit shows.",
        paper="UPR (arXiv 2204.07496)",
    ),
)
