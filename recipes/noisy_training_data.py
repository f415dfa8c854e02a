"""Noise-injected training data for RAG: questions among passages and pictures that mislead.

    python recipes/noisy_training_data.py                             # the samples
    python recipes/noisy_training_data.py ~/papers --distractors 4 --noise 0.2 --out train.jsonl

After RagVL (arXiv 2407.21439): a reader that only ever sees the right context trusts
whatever it is given. Each row holds the passage that answers among hard negatives, which memory
ranks high and which do not hold the answer, in an order of chance; pictures also come with Gaussian
noise on their pixels. A share of the rows has no right passage at all: their answer is to say so.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from omni.memory.retrieve import Library
from omni.modality import modality

SAMPLES = Path(__file__).parent / "samples"
NOTHING = "The sources do not say."
_SENTENCE = re.compile(r"[^.!?\n#]{30,}[.!?]")
_ANSWER = re.compile(r"\b(?:\d[\d.,]*|[A-Z][a-zé]{3,})\b")


def questions(library: Library, chance: random.Random) -> list[dict[str, Any]]:
    """Sentences with a number or a name left out, which is the answer; and where they stand."""
    found = []
    for record in library.view.get(library.view.ids({"@modality": "text"})):
        if record.provenance is None or not record.provenance.parent:
            continue
        for sentence in map(str.strip, _SENTENCE.findall(record.text)):
            spots = [spot for spot in _ANSWER.finditer(sentence) if spot.start()]
            if spots:
                spot = chance.choice(spots)
                asked = f"{sentence[: spot.start()]}_____{sentence[spot.end() :]}"
                found.append({"question": asked, "answer": spot[0], "record": record})
    return found


def negatives(library: Library, one: dict[str, Any], most: int) -> list[Any]:
    """Passages and pictures that are ranked high and do not hold the answer."""
    words = one["question"].replace("_____", "")
    hits = library.search(words, 4 * most + 4).hits
    right = one["record"]
    return [
        hit.record
        for hit in hits
        if hit.record.id not in (right.id, right.provenance.parent)
        and (hit.record.text or hit.record.modality == "image")
        and not re.search(rf"\b{re.escape(one['answer'])}\b", hit.record.text)
    ][:most]


def context(record: Any, out: Path, noise: float, chance: np.random.Generator) -> dict[str, Any]:
    """A passage as it stands; a picture as a file, with noise on its pixels."""
    told: dict[str, Any] = {"id": record.id, "text": record.text, "image": None}
    if record.modality == "image" and record.media is not None:
        picture = modality("image").load(record.media).convert("RGB")
        pixels = np.asarray(picture, np.float32)
        pixels = pixels + 255 * noise * chance.normal(size=pixels.shape)
        stream = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "PNG")
        path = out / f"{record.id}.png"
        path.write_bytes(stream.getvalue())
        told["image"] = str(path)
    return told


def rows(library: Library, given: argparse.Namespace, out: Path) -> list[dict[str, Any]]:
    """Questions with their shuffled contexts and the answer that is to be learnt."""
    order, chance = random.Random(given.seed), np.random.default_rng(given.seed)
    asked = questions(library, order)
    order.shuffle(asked)
    found = []
    for number, one in enumerate(asked[: given.most]):
        wrong = negatives(library, one, given.distractors)
        absent = number % max(1, round(1 / given.absent)) == 0 if given.absent else False
        shown = wrong if absent else [one["record"], *wrong]
        order.shuffle(shown)
        ids = [record.id for record in shown]
        found.append(
            {
                "question": one["question"],
                "contexts": [context(each, out, given.noise, chance) for each in shown],
                "right": None if absent else ids.index(one["record"].id) + 1,
                "answer": NOTHING if absent else one["answer"],
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SAMPLES)
    parser.add_argument("--out", type=Path, default=Path("noisy.jsonl"), help="file of the rows")
    parser.add_argument("--most", type=int, default=1000, metavar="N", help="rows (1000)")
    parser.add_argument("--distractors", type=int, default=3, metavar="N", help="a row (3)")
    parser.add_argument("--noise", type=float, default=0.1, metavar="S", help="of pixels, 0 to 1")
    parser.add_argument(
        "--absent", type=float, default=0.2, metavar="S", help="share of none right"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    pictures = given.out.parent / f"{given.out.stem}-pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as temporary,
        Library(Path(temporary, "memory"), create=True) as library,
    ):
        library.add([given.folder])
        made = rows(library, given, pictures)
    given.out.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made))
    absent = sum(one["right"] is None for one in made)
    shown = sum(len(one["contexts"]) for one in made)
    told = {"rows": len(made), "without_answer": absent, "contexts": shown, "file": str(given.out)}
    if given.json:
        print(json.dumps({**told, "sample": made[:2]}, ensure_ascii=False))
    else:
        print(f"{len(made)} rows, {absent} of them without an answer, in {given.out}")


if __name__ == "__main__":
    main()
