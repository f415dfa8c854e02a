"""How near a sentence has to be to a question to be quoted: found on one set, tested on others.

A question is what a docstring's first paragraph says. It can be answered from the rest of that
docstring, and cannot from docstrings that say nothing of it, which are taken from another package.

    python benchmarks/quote_floor.py --count 60 --out benchmarks/results/quote-floor.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from omni.evaluation.rows import versions
from omni.evaluation.sets.docstrings import docstrings
from omni.memory.embed.opening import open_embedder
from omni.memory.retrieve.extract import sentences

LEARNT, TESTED = ("sklearn", "networkx"), ("pandas", "skimage")
OTHERS = 3
_LONGEST = 800


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=60, help="questions a package (60)")
    parser.add_argument("--out", type=Path, help="file for the figures")
    given = parser.parse_args()
    embedder = open_embedder("sentences")
    found = {name: likenesses(embedder, name, given.count) for name in (*LEARNT, *TESTED)}
    floors = {name: floor(*found[name]) for name in LEARNT}
    both = floor(*(np.concatenate([found[name][side] for name in LEARNT]) for side in (0, 1)))
    rows = [
        {
            "set": f"docstrings/{name}",
            "floor": at,
            "chosen_on": chosen,
            "answered": round(float((found[name][0] >= at).mean()), 3),
            "wrongly_answered": round(float((found[name][1] >= at).mean()), 3),
            "balanced_accuracy": round(accuracy(*found[name], at), 3),
            "n": len(found[name][0]),
        }
        for name in (*LEARNT, *TESTED)
        for chosen, at in (("0.30, as it was", 0.3), (" and ".join(LEARNT), both))
    ]
    told = {"what": "quote floor", "versions": versions(), "floors": floors, "rows": rows}
    print(json.dumps(told, indent=1))
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def likenesses(embedder: Any, package: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the nearest sentence in the right docstring, and in some of another package."""
    own = docstrings(package, most=600).some(count)
    texts = {item.id: item.text[:_LONGEST] for item in own.items}
    other = docstrings("email" if package != "email" else "asyncio", most=40)
    strange = [item.text[:_LONGEST] for item in other.items]
    asked = np.asarray(embedder.embed_queries([one.text for one in own.questions]))
    right, wrong = [], []
    draw = np.random.default_rng(0)
    held = [embedded(embedder, text) for text in strange]
    for vector, question in zip(asked, own.questions, strict=True):
        mine = embedded(embedder, texts[question.id])
        if len(mine):
            right.append(float((mine @ vector).max()))
            drawn = [held[place] for place in draw.choice(len(held), OTHERS, replace=False)]
            wrong.append(float(max((one @ vector).max() for one in drawn if len(one))))
    return np.array(right), np.array(wrong)


def embedded(embedder: Any, text: str) -> np.ndarray:
    """Each sentence, and each behind the one before it."""
    found = sentences(text)
    said = [part for _, one, context in found for part in dict.fromkeys((one, context))]
    return np.asarray(embedder.embed(said)) if said else np.empty((0, 1))


def floor(right: np.ndarray, wrong: np.ndarray) -> float:
    """The likeness, in hundredths, that tells both apart best."""
    steps = np.arange(0.1, 0.8, 0.01)
    return round(float(steps[int(np.argmax([accuracy(right, wrong, at) for at in steps]))]), 2)


def accuracy(right: np.ndarray, wrong: np.ndarray, at: float) -> float:
    """The mean of both shares that are told right."""
    return float(((right >= at).mean() + (wrong < at).mean()) / 2)


if __name__ == "__main__":
    main()
