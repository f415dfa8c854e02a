"""WebQA (arXiv 2109.00590): questions answered by snippets of text and captioned pictures."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omni.errors import UsageError
from omni.evaluation.sets import files
from omni.evaluation.sets.collection import Collection, Item, Question
from omni.media import Media
from omni.modality import media_from_bytes

_FACTS = ("img_posFacts", "img_negFacts", "txt_posFacts", "txt_negFacts")


def webqa(folder: Path, *, split: str = "val", most: int | None = None) -> Collection:
    """The set from a folder with `WebQA_train_val.json`, `imgs.tsv` and `imgs.lineidx`.

    Without the pictures their captions are searched alone.

    Args:
        folder: where it lies.
        split: `train` or `val`; the answers of `test` were never published.
        most: questions at most; what they do not need is left out then.

    Raises:
        UsageError: if it is not there or not in this form.
    """
    path = files.one_of(folder, "WebQA_train_val.json", "WebQA_train_val*.json")
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from None
    pictures = _Pictures(folder)
    items: dict[str, Item] = {}
    questions = []
    for guid, row in found.items():
        if row.get("split") != split:
            continue
        right = {}
        for kind in _FACTS:
            for fact in row.get(kind) or ():
                item = _item(fact, path, pictures)
                items.setdefault(item.id, item)
                if "pos" in kind:
                    right[item.id] = 1.0
        said = tuple(_unquoted(one) for one in row.get("A") or ())
        asked = _unquoted(files.field(row, "Q", path))
        questions.append(
            Question(guid, asked, right, answers=said, kind=str(row.get("Qcate") or ""))
        )
        if most is not None and len(questions) == most:
            break
    notes = () if pictures.there else ("no imgs.tsv: pictures are found by their captions alone",)
    metrics = ("source_f1", "recall@5", "recall@10", "mrr@10")
    source = "WebQA, its positive and negative facts"
    name = f"webqa/{split}"
    return Collection(name, list(items.values()), questions, metrics, source, notes).checked()


def _item(fact: Mapping[str, Any], path: Path, pictures: _Pictures) -> Item:
    title = str(fact.get("title") or "")
    if "image_id" in fact:
        id = str(fact["image_id"])
        caption = _unquoted(str(fact.get("caption") or title))
        return Item(f"image-{id}", caption, title, pictures.get(id))
    id = str(files.field(fact, "snippet_id", path))
    return Item(f"text-{id}", str(files.field(fact, "fact", path)), title)


class _Pictures:
    """Pictures of `imgs.tsv`: an id and Base64 a line, found by the offsets in `imgs.lineidx`."""

    def __init__(self, folder: Path):
        self.path, index = folder / "imgs.tsv", folder / "imgs.lineidx"
        self.there = self.path.is_file()
        self._offsets: dict[str, int] = {}
        if self.there:
            places = [int(line) for line in index.read_text().split()] if index.is_file() else None
            self._offsets = dict(self._ids(places))

    def get(self, id: str) -> Media | None:
        """One picture; `None` if it is not among them."""
        if id not in self._offsets:
            return None
        with self.path.open("rb") as file:
            file.seek(self._offsets[id])
            _, _, data = file.readline().partition(b"\t")
        return media_from_bytes(base64.b64decode(data), id)

    def _ids(self, places: list[int] | None) -> Iterator[tuple[str, int]]:
        with self.path.open("rb") as file:
            if places is None:
                at = 0
                for line in file:
                    yield line.partition(b"\t")[0].decode(), at
                    at += len(line)
                return
            for place in places:
                file.seek(place)
                yield file.read(24).partition(b"\t")[0].decode(), place


def _unquoted(text: str) -> str:
    return text.strip().strip('"')
