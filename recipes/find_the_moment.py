"""Find the moment in a video: by what is seen, what stands on the screen, and what is said.

    python recipes/find_the_moment.py                                 # a film that is drawn here
    python recipes/find_the_moment.py talk.mp4 "the budget slide" --out moments

A film is cut into shots; each has key frames, its words by OCR, and its speech with seconds. The
best moments are told to the second, and their frames are written.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from omni.memory.retrieve import Library
from omni.modality import modality
from omni.values import Clip

RATE = 10
SCENES = (
    (3.0, "circle", "red", ""),
    (2.5, "square", "blue", "HARBOUR"),
    (3.5, "triangle", "green", ""),
)
"""Seconds, shape and colour of each scene of the sample, and a sign in it."""

WANTED = ("a blue square", "a green triangle", "harbour sign")


def sample() -> bytes:
    """A film of three scenes, a thing in each that drifts to the right."""
    frames = []
    for seconds, shape, colour, sign in SCENES:
        count = round(seconds * RATE)
        for number in range(count):
            image = Image.new("RGB", (240, 240), "white" if shape != "square" else "#f4f4e8")
            draw, left = ImageDraw.Draw(image), 40 + 60 * number // count
            box = (left, 80, left + 110, 190)
            if shape == "circle":
                draw.ellipse(box, fill=colour)
            elif shape == "square":
                draw.rectangle(box, fill=colour)
            else:
                draw.polygon([(left + 55, 80), (left, 190), (left + 110, 190)], fill=colour)
            draw.text((20, 20), sign, fill="black", font=ImageFont.load_default(36))
            frames.append(np.asarray(image))
    times = np.arange(len(frames)) / RATE
    film = Clip(np.stack(frames), times, len(frames) / RATE, RATE)
    return modality("video").save(film, name="film.mp4").read()


def moments(
    library: Library, words: str, most: int, out: Path | None, number: int
) -> list[dict[str, Any]]:
    """The best moments for some words: start, end, why, and a frame."""
    found: list[dict[str, Any]] = []
    for hit in library.search(words, 4 * most).hits:
        citation = library.cite(hit)
        part = hit.record.provenance is not None and hit.record.provenance.parent
        if not part or citation.seconds is None:
            continue  # the film as a whole is no moment
        if any(one["seconds"][0] < citation.seconds[1] and citation.seconds[0] < one["seconds"][1]
               for one in found):  # fmt: skip
            continue  # another piece of the same moment
        media = library.excerpt(hit)
        path = None
        if out is not None and media is not None:
            path = out / f"{number}-{len(found) + 1}{Path(media.name).suffix}"
            path.write_bytes(media.read())
        found.append(
            {
                "seconds": list(citation.seconds),
                "by": hit.record.meta.get("of") or hit.record.modality,
                "text": hit.record.text,
                "score": round(hit.score, 3),
                "media": None if path is None else str(path),
            }
        )
        if len(found) == most:
            break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video", nargs="?", type=Path, help="by default one that is drawn here")
    parser.add_argument("words", nargs="*", metavar="WORDS", help="each a moment that is wanted")
    parser.add_argument("-k", type=int, default=1, metavar="N", help="moments for each (1)")
    parser.add_argument("--out", type=Path, help="write frames and clips into this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        video = given.video or Path(temporary, "film.mp4")
        if given.video is None:
            video.write_bytes(sample())
        with Library(Path(temporary, "memory"), create=True) as library:
            library.add([video])
            wanted = given.words or WANTED
            told = [
                {"words": one, "moments": moments(library, one, given.k, given.out, number)}
                for number, one in enumerate(wanted, 1)
            ]
    if given.json:
        print(json.dumps({"video": str(video), "found": told}, ensure_ascii=False))
        return
    for one in told:
        print(one["words"])
        for moment in one["moments"]:
            start, end = moment["seconds"]
            print(f"  {start:.1f}–{end:.1f} s, by {moment['by']}  {moment['text'][:60]}")


if __name__ == "__main__":
    main()
