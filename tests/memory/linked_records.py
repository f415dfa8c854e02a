"""Records that answer only one after the other, and an embedder that counts words."""

import random

import numpy as np

from omni.memory.contracts import Space
from omni.memory.record import Record
from omni.memory.words import words_of

QUESTION = "Who founded whichever company makes {} turbines?"


def chains(count, seed=0):
    """Records that answer only one after the other: a thing, who makes it, who founded those."""
    draw = random.Random(seed)
    names: list[str] = []
    while len(names) < 3 * count:
        name = "".join(draw.choices("bdfgklmnprst", k=1) + draw.choices("aeiou", k=1)) * 1
        name = (
            name + "".join(draw.choices(["lon", "mir", "vek", "sul", "ter", "gan"], k=3))
        ).title()
        if name not in names:
            names.append(name)
    records, asked = [], []
    for number in range(count):
        thing, firm, person = names[3 * number : 3 * number + 3]
        records += [
            Record(f"made-{number}", f"The {thing} turbine leaves the works of {firm} in spring."),
            Record(f"founded-{number}", f"{firm} goes back to {person}, a clockmaker."),
        ]
        asked.append((QUESTION.format(thing), f"founded-{number}"))
    draw.shuffle(records)
    return records, asked


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Words:
    """Bags of words as vectors; texts agree by the words that they share."""

    modalities = frozenset({"text"})
    space = Space("text", 256, "w" * 64)

    def embed(self, items):
        found = np.full((len(items), 256), 1e-3, np.float32)
        for row, item in zip(found, items, strict=True):
            for word in words_of(item):
                row[sum(ord(c) * 31**n for n, c in enumerate(word)) % 256] += 1
        return unit(found)

    embed_queries = embed
