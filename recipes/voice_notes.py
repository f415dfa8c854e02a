"""Voice notes: write recordings down, find what was said, and play just that.

    python recipes/voice_notes.py                                     # notes that are spoken here
    python recipes/voice_notes.py ~/recordings "When do we meet?" --out cuts

Whisper writes them down where its weights are on this machine, else pocketsphinx, a small
recogniser for clear American English. Each note keeps the seconds at which each phrase was said.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from omni.memory.retrieve import Library
from omni.modality import modality
from omni.values import Waveform

NOTES = {
    "doctor": ("the doctor will see you on friday morning", "hello world"),
    "counting": ("one two three four five", "good morning"),
}
QUESTIONS = ("What happens on friday morning?", "Who counted from one to five?")


def sample(folder: Path) -> None:
    """Some notes by espeak-ng, with a second of silence around each phrase."""
    from omni.nano.world.speech import Voice, speak

    for name, phrases in NOTES.items():
        said = [speak(phrase, Voice("en-us", speed=140)) for phrase in phrases]
        quiet = np.zeros((said[0].sample_rate, 1), np.float32)
        samples = [quiet]
        for one in said:
            samples += [one.samples, quiet]
        wave = Waveform(np.concatenate(samples), said[0].sample_rate)
        media = modality("audio").save(wave, name=f"{name}.wav")
        (folder / f"{name}.wav").write_bytes(media.read())


def notes(library: Library) -> list[dict[str, Any]]:
    """Everything that was said: file, seconds and words, in order."""
    found = []
    for record in library.view.get(library.view.ids({"@modality": "audio"})):
        origin = record.provenance
        own = record.text != record.meta.get("caption")
        if record.text and own and origin is not None and origin.seconds is not None:
            found.append(
                {
                    "source": Path(origin.source).name,
                    "seconds": list(origin.seconds),
                    "text": record.text,
                    "by": origin.extractor,
                }
            )
    return sorted(found, key=lambda one: (one["source"], one["seconds"]))


def spot(library: Library, question: str, out: Path | None, number: int) -> dict[str, Any]:
    """The phrase that is nearest to a question, and its sound."""
    for hit in library.search(question, 5, {"@modality": "audio"}).hits:
        record, citation = hit.record, library.cite(hit)
        if not record.text or record.text == record.meta.get("caption"):
            continue
        media = library.excerpt(hit)
        path = None
        if out is not None and media is not None:
            path = out / f"{number}{Path(media.name).suffix}"
            path.write_bytes(media.read())
        return {
            "question": question,
            "text": record.text,
            "source": Path(citation.source).name,
            "seconds": list(citation.seconds or ()),
            "sound": None if path is None else str(path),
        }
    return {"question": question, "text": "", "source": None, "seconds": [], "sound": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="by default notes that are made here")
    parser.add_argument("questions", nargs="*", metavar="QUESTION")
    parser.add_argument("--out", type=Path, help="write what was said into this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if given.folder is None:
            sample(folder)
        with Library(Path(temporary, "memory"), create=True) as library:
            outcome = library.add(sorted(folder.glob("**/*")) if given.folder is None else [folder])
            warnings = sorted({note for one in outcome for note in one.notes})
            written = notes(library)
            asked = given.questions or QUESTIONS
            told = [spot(library, one, given.out, n) for n, one in enumerate(asked, 1)]
    if given.json:
        found = {"notes": written, "answers": told, "warnings": warnings}
        print(json.dumps(found, ensure_ascii=False))
        return
    for line in warnings:
        print(line)
    for one in written:
        start, end = one["seconds"]
        print(f"{one['source']}  {start:5.1f}–{end:.1f} s  {one['text']}")
    for one in told:
        print(f"\n{one['question']}\n  “{one['text']}” ({one['source']}, {one['seconds']})")


if __name__ == "__main__":
    main()
