"""MultiModalQA (arXiv 2104.06039): questions over texts, tables and pictures of Wikipedia."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omni.evaluation.sets import files
from omni.evaluation.sets.collection import Collection, Item, Question

_IMAGES = "final_dataset_images"


def multimodalqa(folder: Path, *, split: str = "dev", most: int | None = None) -> Collection:
    """The set from its folder, whose pictures are in `final_dataset_images` if they are there.

    Everything is searched, not only the documents that come with a question.

    Args:
        folder: with the files of questions, texts, tables and images.
        split: `train` or `dev`; the answers of `test` were never published.
        most: questions at most; what they and their distractors do not need is left out then.

    Raises:
        UsageError: if it is not there or not in this form.
    """
    path = _named(folder, split)
    questions, context = [], set()
    for row in files.lines(path):
        questions.append(_question(row, path))
        context |= _context(row)
        if len(questions) == most:
            break
    wanted = None if most is None else context | {id for one in questions for id in one.relevant}
    items = [
        *_texts(_named(folder, "texts"), wanted),
        *_tables(_named(folder, "tables"), wanted),
        *_images(_named(folder, "images"), folder, wanted),
    ]
    lost = sum(not item.media for item in items if item.id.startswith("image-"))
    notes = [f"{lost} pictures are not in {_IMAGES}: searched by title alone"] if lost else []
    metrics = ("recall@5", "recall@10", "mrr@10", "ndcg@10")
    name = f"multimodalqa/{split}"
    return Collection(name, items, questions, metrics, "MultiModalQA", notes).checked()


def _named(folder: Path, part: str) -> Path:
    both = (f"MMQA_{part}.jsonl", f"MultiModalQA_{part}.jsonl", f"{part}.jsonl")
    return files.one_of(folder, *both, *(f"{one}.gz" for one in both))


def _question(row: Mapping[str, Any], path: Path) -> Question:
    given = files.field(row, "supporting_context", path)
    right = {f"{one.get('doc_part', 'text')}-{one['doc_id']}": 1.0 for one in given}
    said = tuple(str(one["answer"]) for one in row.get("answers") or ())
    kind = str((row.get("metadata") or {}).get("type") or "")
    id, asked = files.field(row, "qid", path), files.field(row, "question", path)
    return Question(str(id), str(asked), right, answers=said, kind=kind)


def _context(row: Mapping[str, Any]) -> set[str]:
    """All documents that come with a question, distractors among them."""
    meta = row.get("metadata") or {}
    texts = {f"text-{id}" for id in meta.get("text_doc_ids") or ()}
    images = {f"image-{id}" for id in meta.get("image_doc_ids") or ()}
    return texts | images | ({f"table-{meta['table_id']}"} if meta.get("table_id") else set())


def _texts(path: Path, wanted: set[str] | None) -> list[Item]:
    every = ((f"text-{row['id']}", row) for row in files.lines(path))
    return [
        Item(id, str(files.field(row, "text", path)), str(row.get("title") or ""))
        for id, row in every
        if wanted is None or id in wanted
    ]


def _tables(path: Path, wanted: set[str] | None) -> list[Item]:
    every = ((f"table-{row['id']}", row) for row in files.lines(path))
    return [_table(id, row, path) for id, row in every if wanted is None or id in wanted]


def _table(id: str, row: Mapping[str, Any], path: Path) -> Item:
    """A table as lines of cells under its header."""
    table = files.field(row, "table", path)
    names = [str(one.get("column_name") or "") for one in table.get("header") or ()]
    cells = [[str(cell.get("text") or "") for cell in line] for line in table["table_rows"]]
    said = "\n".join(" | ".join(line) for line in [names, *cells])
    title = " – ".join(filter(None, (str(row.get("title") or ""), table.get("table_name") or "")))
    return Item(id, said, title)


def _images(path: Path, folder: Path, wanted: set[str] | None) -> list[Item]:
    root = folder / _IMAGES
    items = []
    for row in files.lines(path):
        id = f"image-{row['id']}"
        if wanted is None or id in wanted:
            title = str(row.get("title") or "")
            shown = files.picture(row.get("path"), title, root)
            items.append(Item(id, title, title, shown))
    return items
