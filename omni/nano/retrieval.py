"""How well the shared space finds media by words, and words by media.

A question has so many ways to be answered: one right thing and others that are not. What is found
counts if it is alike to what was asked for, whichever of the like things it is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from omni.nano.facts import Labels, facts, plain

WAYS = 200


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
    wanted: Sequence[Labels],
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
        wanted: what each of them describes; labels may be left out, then any value of them is
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
    for text, described in zip(texts, wanted, strict=True):
        asked = facts(modality, described)
        fitting = [place for place, each in enumerate(true) if asked <= each]
        others = [place for place, each in enumerate(true) if not asked <= each]
        if not fitting:
            raise ValueError(f"none of {len(true)} things of {modality} is {dict(described)}")
        places = [rng.choice(fitting), *rng.sample(others, min(ways - 1, len(others)))]
        hits.append(int((media[places].float() @ text.float()).argmax()) == 0)
    return hits
