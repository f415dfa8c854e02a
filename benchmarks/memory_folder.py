"""Take in a folder of mixed files, killed on the way, and look where its citations point.

    python benchmarks/memory_folder.py                   320 files; some minutes
    python benchmarks/memory_folder.py --files 40        a look

Counts what is there twice or without its file after a kill at a random moment and a second begin;
compares page and box of every printed paragraph with its ink, and seconds with what was made.
"""

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
from mixed_folder import Made, build

from omni import plugins

Library = plugins.load("memory", "retrieve")
ADD = (
    "import sys; from omni import plugins\n"
    "tell = lambda one, done, total: print(done, one.status, one.path, flush=True)\n"
    "with plugins.load('memory', 'retrieve')(sys.argv[2], create=True) as library:\n"
    "    library.add([sys.argv[1]], progress=tell)\n"
)
"""What `omni memory add` does, in a process that can be killed."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--files", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, root = Path(temporary, "folder"), Path(temporary, "memory")
        made = build(folder, files=given.files, seed=given.seed)
        rows = [kinds(folder), killed(folder, root, random.Random(given.seed))]
        with Library(root) as library:
            rows += [papers(library, made), *moments(library, made), reading(library, made)]
    names = ("faiss-cpu", "numpy", "pypdfium2", "pocketsphinx", "rapidocr", "torch")
    found = {"what": "memory_folder", "seed": given.seed, "device": platform.processor() or "cpu"}
    versions = {name: version(name) for name in names}
    print(json.dumps({**found, "versions": versions, "rows": rows}, indent=1))


def kinds(folder: Path) -> dict:
    """How many files of which kind."""
    counts = Counter(path.suffix for path in folder.rglob("*") if path.is_file())
    return {"case": "files", "n": sum(counts.values()), "by_suffix": dict(sorted(counts.items()))}


def killed(folder: Path, root: Path, rng: random.Random) -> dict:
    """Kill ingestion when a random share of the files is in, begin again, and count."""
    total = sum(path.is_file() for path in folder.rglob("*"))
    at = rng.randint(total // 5, 4 * total // 5)
    told, began = run(folder, root, until=at), time.perf_counter()
    acknowledged = {path for status, path in told if status in ("added", "linked")}
    again = run(folder, root)
    seconds = time.perf_counter() - began
    kept = {path for status, path in again if status == "kept"}
    third = run(folder, root)
    with Library(root) as library:
        records = library.view.get(library.view.ids())
    wholes = [one for one in records if "file" in one.meta]
    named = {id for one in wholes for id in one.meta["file"]["pieces"]}
    pieces = [one for one in records if one.provenance.parent]
    spots = Counter(
        (one.provenance.parent, json.dumps(one.provenance.to_json()), one.text, str(one.meta))
        for one in pieces
        if one.media is None
    )
    sources = Counter(one.provenance.source for one in wholes)
    refused = [path for status, path in again if status in ("failed", "skipped")]
    return {
        "case": "killed and begun again",
        "killed_after_files": at,
        "acknowledged_before": len(acknowledged),
        "lost": len(acknowledged - kept),
        "records": len(records),
        "files_twice": sum(n - 1 for n in sources.values()),
        "files_missing": total - len(sources) - len(refused),
        "refused": sorted(Path(path).name for path in refused),
        "linked_as_duplicates": sum("duplicate_of" in one.meta for one in wholes),
        "pieces_twice": sum(n - 1 for n in spots.values()),
        "pieces_of_no_file": len({one.id for one in pieces} ^ named),
        "third_time": dict(Counter(status for status, _ in third)),
        "seconds_of_the_rest": round(seconds, 1),
    }


def run(folder: Path, root: Path, until: int = 0) -> list[tuple[str, str]]:
    """Status and path of each file, up to a kill after so many."""
    command = [sys.executable, "-c", ADD, str(folder), str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        done, status, path = line.rstrip("\n").split(" ", 2)
        told.append((status, path))
        if int(done) == until:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    return told


def overlap(one, other) -> float:
    """Intersection over union."""
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (area - wide * high)


def papers(library, made: Made) -> dict:
    """Page and box of the record of every paragraph, beside its ink."""
    by_text: dict[tuple[str, str], list] = {}
    for record in library.view.get(library.view.ids()):
        if record.provenance.page is not None and record.modality == "text":
            by_text.setdefault((record.provenance.source, record.text), []).append(record)
    shares, exact, absent = [], 0, 0
    for source, page, text, box in made.paragraphs:
        found = by_text.get((source, text), [])
        absent += not found
        if found:
            best = max(found, key=lambda one: one.provenance.page == page)
            exact += best.provenance.page == page
            shares.append(overlap(best.provenance.box, box))
    count = len(made.paragraphs)
    return {
        "case": "paragraphs of PDFs",
        "n": count,
        "with_a_record_of_their_own": count - absent,
        "page_exact": exact / max(1, len(shares)),
        "box_iou_mean": round(float(np.mean(shares)), 4),
        "box_iou_least": round(min(shares), 4),
    }


def moments(library, made: Made) -> list[dict]:
    """Whether a search within the file tells when a phrase was said or a sign was on show."""
    rows = []
    for suffix, case in ((".mp4", "signs in films"), (".wav", "phrases in recordings")):
        asked = [one for one in made.moments if one[0].endswith(suffix)]
        spans = spans_of(library, suffix)
        first, any_of = [], []
        for source, words, start, end in asked:
            near = [abs(a - start) for a, b in spans.get(source, ()) if a < end and start < b]
            any_of.append(min(near, default=np.inf))
            hits = library.search(words, 40).hits
            mine = [hit for hit in hits if hit.record.provenance.source == source]
            mine = [hit for hit in mine if hit.record.provenance.parent]
            found = mine[0].record.provenance.seconds if mine else None
            first.append(abs(found[0] - start) if found else np.inf)
        rows.append(
            {
                "case": case,
                "n": len(asked),
                "segment_within_1s": float(np.mean(np.array(any_of) <= 1)),
                "found_by_words_within_1s": float(np.mean(np.array(first) <= 1)),
                "median_error_seconds": round(float(np.median(any_of)), 3),
            }
        )
    return rows


def spans_of(library, suffix: str) -> dict[str, list[tuple[float, float]]]:
    """Seconds of all pieces of each film or recording."""
    found: dict[str, list[tuple[float, float]]] = {}
    for record in library.view.get(library.view.ids()):
        origin = record.provenance
        if origin.parent and origin.seconds and origin.source.endswith(suffix):
            found.setdefault(origin.source, []).append(origin.seconds)
    return found


def reading(library, made: Made) -> dict:
    """What a search for the first line of a paragraph cites: file, page and box."""
    pages, shares, right = [], [], 0
    chosen = random.Random(0).sample(made.paragraphs, min(100, len(made.paragraphs)))
    for source, page, text, box in chosen:
        hits = library.search(text.split("\n")[0], 1, {"@modality": "text"}).hits
        citation = library.cite(hits[0]) if hits else None
        if citation is None or hits[0].record.text != text:
            continue
        right += citation.source == source
        pages.append(citation.page == page)
        shares.append(overlap(citation.box, box))
    return {
        "case": "cited by a search for the first line",
        "n": len(chosen),
        "paragraph_first": len(pages) / len(chosen),
        "file_exact": right / max(1, len(pages)),
        "page_exact": float(np.mean(pages)),
        "box_iou_mean": round(float(np.mean(shares)), 4),
    }


if __name__ == "__main__":
    main()
