"""M2KR (PreFLMR, arXiv 2402.08327): passages found by pictures, by questions, or by both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omni.errors import UsageError
from omni.evaluation.sets import files
from omni.evaluation.sets.collection import Collection, Item, Question

METRICS: Mapping[str, tuple[str, ...]] = {
    "WIT": ("hit@10",),
    "IGLUE": ("hit@1",),
    "KVQA": ("hit@5",),
    "MSMARCO": ("hit@5",),
    "OVEN": ("hit@5",),
    "LLaVA": ("hit@1",),
    "EVQA": ("hit@5", "pseudo@5"),
    "OKVQA": ("hit@5", "pseudo@5"),
    "Infoseek": ("hit@5", "pseudo@5"),
}
"""What its authors report of each set."""


def m2kr(folder: Path, name: str, *, split: str = "test", most: int | None = None) -> Collection:
    """One of the nine sets, from `NAME_data` and `NAME_passages` as the hub lays them out.

    Args:
        folder: of the benchmark; pictures are looked for in it and in its folder `images`.
        name: of `METRICS`.
        split: `train`, `valid` or `test`.
        most: questions at most; all passages are searched.

    Raises:
        UsageError: if there is no such set, or it is not there or not in this form.
    """
    if name not in METRICS:
        raise UsageError(f"M2KR has no set {name!r}; it has {', '.join(METRICS)}")
    files.first(folder, "*")
    passages = _part(folder, f"{name}_passages", f"{split}_passages")
    items = []
    for row in files.rows(passages):
        id = str(files.field(row, "passage_id", passages[0]))
        said = str(files.field(row, "passage_content", passages[0]))
        items.append(Item(id, said, str(row.get("title") or "")))
    data = _part(folder, f"{name}_data", split)
    questions, lost = [], 0
    for row in files.rows(data):
        question = _question(row, folder, data[0])
        lost += bool(row.get("img_path")) and not question.media
        if question.text or question.media:
            questions.append(question)
        if len(questions) == most:
            break
    notes = (f"{lost} pictures are not there: put them into {folder / 'images'}",) if lost else ()
    source = "M2KR, instructions in front of the questions"
    return Collection(
        f"m2kr/{name}/{split}", items, questions, METRICS[name], source, notes
    ).checked()


def _question(row: Mapping[str, Any], folder: Path, path: Path) -> Question:
    right = {str(id): 1.0 for id in files.field(row, "pos_item_ids", path)}
    words = (str(row.get(key) or "").strip() for key in ("instruction", "question"))
    said = tuple(map(str, row.get("answers") or ()))
    shown = row.get("img_path")
    picture = None
    for root in (folder / "images", folder):
        if shown and picture is None:
            picture = files.picture(shown, str(shown), root)
    id = str(files.field(row, "question_id", path))
    media = (picture,) if picture else ()
    return Question(id, " ".join(filter(None, words)), right, media, said)


def _part(folder: Path, part: str, split: str) -> list[Path]:
    found = files.tables(folder / part, split)
    if not found:
        raise UsageError(f"{folder / part} holds no {split}-*.parquet: download {part}")
    return found
