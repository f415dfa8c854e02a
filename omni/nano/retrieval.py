"""How well the shared space finds media by words, and words by media.

A question has so many ways to be answered: one right thing and others that are not. What is found
counts if it is alike to what was asked for, whichever of the like things it is.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from omni.nano.facts import Labels, facts, plain, wanted

WAYS = 200
SEARCHES = Path(__file__).with_name("searches.json")


def distinct(modality: str, labels: Sequence[Labels], most: int = WAYS) -> list[int]:
    """Places of things of which no two are alike, the first of each kind; none from outside."""
    first: dict[str, int] = {}
    for place, each in enumerate(labels):
        if not each.get("outside"):
            first.setdefault(plain(modality, each), place)
    return list(first.values())[:most]


def recall(media: Tensor, texts: Tensor) -> dict[str, float]:
    """Recall at 1 both ways, of things `[ways, 384]` and the descriptions of the same things.

    Args:
        media: unit vectors, each of another kind of thing.
        texts: of their descriptions, in the same order.
    """
    alike = texts.float() @ media.float().T
    right = torch.arange(len(media), device=alike.device)
    return {
        "text to media": (alike.argmax(1) == right).float().mean().item(),
        "media to text": (alike.argmax(0) == right).float().mean().item(),
        "ways": len(media),
        "n": len(media),
    }


def recall_among(
    media: Tensor, texts: Tensor, other_media: Tensor, other_texts: Tensor
) -> dict[str, float]:
    """The same of things of which each is searched for among others alone, not among its like.

    Args:
        media: unit vectors of the things, `[n, 384]`.
        texts: of their descriptions.
        other_media: `[ways - 1, 384]`; none of them is alike to any of the things.
        other_texts: of their descriptions.
    """
    own = (texts.float() * media.float()).sum(1)
    found = own > (texts.float() @ other_media.float().T).amax(1)
    named = own > (media.float() @ other_texts.float().T).amax(1)
    return {
        "text to media": found.float().mean().item(),
        "media to text": named.float().mean().item(),
        "ways": len(other_media) + 1,
        "n": len(media),
    }


def found(
    modality: str,
    texts: Tensor,
    described: Sequence[Labels],
    media: Tensor,
    labels: Sequence[Labels],
    *,
    ways: int = WAYS,
    seed: int = 0,
) -> list[bool]:
    """Whether each description finds the one thing among `ways` that it describes.

    Args:
        modality: of the things.
        texts: unit vectors `[questions, 384]` of descriptions.
        described: what each of them describes; labels may be left out, then any value of them is
            meant.
        media: unit vectors `[things, 384]` to search in.
        labels: of these things.
        ways: how many of them each question is asked about, where there are so many.
        seed: of which ones.

    Raises:
        ValueError: if nothing is as described.
    """
    rng = random.Random(seed)
    true = [facts(modality, each) for each in labels]
    hits = []
    for text, each in zip(texts, described, strict=True):
        asked = wanted(modality, each)
        fitting = [place for place, known in enumerate(true) if asked <= known]
        others = [place for place, known in enumerate(true) if not asked <= known]
        if not fitting:
            raise ValueError(f"none of {len(true)} things of {modality} is {dict(each)}")
        places = [rng.choice(fitting), *rng.sample(others, min(ways - 1, len(others)))]
        alike = media[places].float() @ text.float()
        hits.append(bool(alike[0] > alike[1:].max()))
    return hits


def searches() -> dict[str, list[dict[str, Any]]]:
    """Descriptions that were written by hand and that no training saw, by modality.

    Each has its `text` and the `labels` of what it describes.
    """
    return json.loads(SEARCHES.read_text("utf-8"))


def paraphrased(
    modality: str,
    embed: Callable[[str, Sequence[Any]], Tensor],
    media: Tensor,
    labels: Sequence[Labels],
    seed: int = 0,
) -> dict[str, float]:
    """How often the hand-written descriptions find what they describe, among `WAYS`.

    Args:
        modality: of what is searched.
        embed: vectors of features of a modality, or of texts, as `OmniModel.embed` gives them.
        media: unit vectors of other things to search among; what is described is made anew.
        labels: of them.
        seed: of what is made.
    """
    from omni.modality import modality as plugin
    from omni.nano.staging import staged

    rng = np.random.default_rng((seed, 31))
    asked = searches()[modality]
    made = [staged(rng, modality, each["labels"]) for each in asked]
    features = [plugin(modality).features(one.value) for one in made]
    hits = found(
        modality,
        embed("text", [each["text"] for each in asked]),
        [each["labels"] for each in asked],
        torch.cat([embed(modality, features), media]),
        [*(one.labels for one in made), *labels],
        seed=seed,
    )
    return {"text to media": sum(hits) / len(hits), "ways": min(WAYS, len(media)), "n": len(hits)}
