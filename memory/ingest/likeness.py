"""What is nearly the same as what: keys that are compared bit by bit.

A picture's key is drawn from its looks, so that it survives another size or compression; any other
file's is drawn from its bytes. Both are 256 bits, stored as a vector of ±1, so that likeness is a
search like any other.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ..contracts import Space, Vectors

if TYPE_CHECKING:
    from PIL import Image

BITS = 256
SPACE = Space("likeness", BITS, hashlib.sha256(b"omni likeness 1").hexdigest())

LEAST = 1 - 2 * 12 / BITS
"""Similarity from which two pictures may be the same: at most 12 bits of 256 differ."""

_SIDE = 16
_MEAN_APART = 4.0
_MOST_APART = 32.0
_FLAT = 2.0


def key_of_picture(picture: Image.Image) -> bytes:
    """Bits and a small colour picture; empty for a picture that is all of one colour.

    Of each of 16×16 cells the bits say whether it is lighter than the one to its right; the small
    picture, 16×16, tells pictures apart that are only drawn alike.
    """
    from PIL import Image

    from omni.pixels import flatten

    plain = flatten(picture)
    grey = np.asarray(plain.convert("L").resize((17, 16), Image.Resampling.BOX), np.int16)
    small = np.asarray(plain.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.uint8)
    if small.astype(float).std(axis=(0, 1)).max() < _FLAT:
        return b""
    # Differences smaller than compression makes would be bits of chance, so they count as none.
    bits = (grey[:, 1:] - grey[:, :-1]) > 2
    return np.packbits(bits.ravel()).tobytes() + small.tobytes()


def key_of_bytes(digest: str) -> bytes:
    """The bits of a SHA-256."""
    return bytes.fromhex(digest)


def vector(key: bytes) -> Vectors:
    """The bits of a key as a unit vector `[256]`."""
    bits = np.unpackbits(np.frombuffer(key[: BITS // 8], np.uint8))
    return ((bits.astype(np.float32) * 2 - 1) / BITS**0.5).astype(np.float32)


def alike(one: bytes, other: bytes) -> bool:
    """Whether two keys are of the same thing, after their bits were found to be near."""
    if len(one) != len(other):
        return False
    size = BITS // 8
    if len(one) == size:
        return one == other
    first, second = (np.frombuffer(key[size:], np.uint8).astype(np.int16) for key in (one, other))
    apart = np.abs(first - second)
    return bool(apart.mean() <= _MEAN_APART and apart.max() <= _MOST_APART)
