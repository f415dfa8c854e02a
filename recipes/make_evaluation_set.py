"""Make an evaluation set from your own documents, and measure how well memory finds in them.

    python recipes/make_evaluation_set.py                             # the samples
    python recipes/make_evaluation_set.py ~/papers --out questions.jsonl --model ollama:qwen3

Each row has a question, the passage that answers it, and its spot: file, page, box or characters.
A brain that writes asks in words of its own; without one the passage's most telling sentence is
asked for with its rarest word left out, which is then the answer.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import omni
from omni.memory.retrieve import Library

SAMPLES = Path(__file__).parent / "samples"
ASK = (
    "Write one question that the passage below answers, in words other than its own, and that "
    "needs no other passage. Write the question alone.\n\n<passage>\n{text}\n</passage>"
)
GAP = "_____"
_WORD = re.compile(r"[^\W_]{2,}")
_SENTENCE = re.compile(r"[^.!?\n]{30,}[.!?]")


def passages(library: Library) -> list[Any]:
    """Records of words that stand at a spot of their own."""
    found = library.view.get(library.view.ids({"@modality": "text"}))
    return [
        one
        for one in found
        if one.provenance is not None and one.provenance.parent and _SENTENCE.search(one.text)
    ]


def rarity(records: list[Any]) -> dict[str, float]:
    """Of each word: the fewer passages hold it, the more it tells."""
    held: Counter[str] = Counter()
    for one in records:
        held.update({word.lower() for word in _WORD.findall(one.text)})
    return {word: math.log(1 + len(records) / count) for word, count in held.items()}


def with_a_gap(text: str, weights: dict[str, float]) -> tuple[str, str]:
    """The sentence that tells most, without its rarest word; and that word."""

    def telling(sentence: str) -> float:
        words = _WORD.findall(sentence)
        return sum(weights[word.lower()] for word in words) / max(8, len(words))

    sentence = max(_SENTENCE.findall(text), key=telling).strip()
    word = max(_WORD.findall(sentence), key=lambda one: (weights[one.lower()], len(one)))
    return re.sub(rf"\b{re.escape(word)}\b", GAP, sentence), word


def rows(library: Library, most: int, model: str | None, seed: int) -> list[dict[str, Any]]:
    """Questions on passages that are drawn evenly."""
    records = passages(library)
    weights = rarity(records)
    drawn = random.Random(seed).sample(records, min(most, len(records)))
    found = []
    brain = omni.brain(model) if model else None
    for record in drawn:
        question, answer = with_a_gap(record.text, weights)
        if brain is not None:
            question = brain.invoke(ASK.format(text=record.text)).text.strip()
            answer = record.text
        spot = record.provenance.to_json()
        found.append(
            {"question": question, "answer": answer, "id": record.id, "passage": record.text}
            | {
                "spot": {
                    key: spot[key] for key in ("source", "page", "box", "chars") if key in spot
                }
            }
        )
    return found


def measured(library: Library, asked: list[dict[str, Any]]) -> dict[str, float]:
    """How often the right passage is the first, is among five, and 1 / its place on average."""
    places = []
    for one in asked:
        ids = [hit.record.id for hit in library.search(one["question"].replace(GAP, ""), 10).hits]
        places.append(ids.index(one["id"]) + 1 if one["id"] in ids else math.inf)
    count = max(1, len(places))
    return {
        "questions": len(places),
        "recall@1": round(sum(place == 1 for place in places) / count, 4),
        "recall@5": round(sum(place <= 5 for place in places) / count, 4),
        "mrr@10": round(sum(1 / place for place in places) / count, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SAMPLES)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows as JSON lines")
    parser.add_argument("--most", type=int, default=100, metavar="N", help="questions (100)")
    parser.add_argument("--model", help="a brain that asks in words of its own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as temporary,
        Library(Path(temporary, "memory"), create=True) as library,
    ):
        library.add([given.folder])
        asked = rows(library, given.most, given.model, given.seed)
        figures = measured(library, asked)
    if given.out:
        given.out.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in asked))
    if given.json:
        print(json.dumps({"rows": asked, "measured": figures}, ensure_ascii=False))
        return
    for one in asked[:5]:
        print(f"{one['question']}\n  {one['answer'][:60]}  ({Path(one['spot']['source']).name})")
    print("  ".join(f"{name} {value:g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
