"""ViDoRe (arXiv 2407.01449): pages of documents as pictures, found by questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omni.errors import UsageError
from omni.evaluation.sets import files
from omni.evaluation.sets.collection import Collection, Item, Question

METRICS = ("ndcg@5", "ndcg@10", "recall@1", "recall@5", "mrr@10")


def vidore(folder: Path, *, split: str = "test", most: int | None = None) -> Collection:
    """One of its sets from a folder of Parquet files.

    Both forms are read: rows of a query and its page, as in version 1, and `corpus`, `queries` and
    `qrels`, as in the sets of versions 2 and 3 and in those that end in `_beir`.

    Args:
        folder: of one set, such as `docvqa_test_subsampled`.
        split: whose files are read in the first form.
        most: questions at most; all pages are searched.

    Raises:
        UsageError: if it is not there or not in this form.
    """
    files.first(folder, "*")
    if corpus := files.tables(folder, "corpus"):
        items, questions = _parted(folder, corpus)
    else:
        found = files.tables(folder / "data", split) or files.tables(folder, split, "data")
        if not found:
            raise UsageError(
                f"{folder} holds neither corpus, queries and qrels nor data/{split}-*.parquet: "
                "give the folder of one set of ViDoRe"
            )
        items, questions = _paired(folder, found)
    name = f"vidore/{folder.name}"
    whole = Collection(name, items, questions, METRICS, "ViDoRe, pages as pictures").checked()
    return whole if most is None else whole.some(most)


def _paired(folder: Path, paths: Sequence[Path]) -> tuple[list[Item], list[Question]]:
    """Rows with a query and the page that answers it; a page may come several times."""
    items: dict[str, Item] = {}
    asked: dict[str, dict[str, float]] = {}
    said: dict[str, tuple[str, ...]] = {}
    for row in files.rows(paths):
        id = str(files.field(row, "image_filename", paths[0]))
        if id not in items:
            items[id] = Item(id, media=files.picture(row.get("image"), id, folder))
        text = row.get("query")
        if text:
            asked.setdefault(text, {})[id] = 1.0
            said[text] = _answers(row.get("answer"))
    questions = [
        Question(f"q{number}", text, right, answers=said[text])
        for number, (text, right) in enumerate(asked.items())
    ]
    return list(items.values()), questions


def _parted(folder: Path, corpus: Sequence[Path]) -> tuple[list[Item], list[Question]]:
    items = []
    for row in files.rows(corpus):
        id = str(_either(row, ("corpus-id", "corpus_id", "_id"), corpus[0]))
        text = str(row.get("text") or row.get("markdown") or "")
        items.append(Item(id, text, media=files.picture(row.get("image"), id, folder)))
    graded: dict[str, dict[str, float]] = {}
    for row in files.rows(_part(folder, "qrels")):
        question = str(_either(row, ("query-id", "query_id"), folder))
        if float(row.get("score", 1)) > 0:
            id = str(_either(row, ("corpus-id", "corpus_id"), folder))
            graded.setdefault(question, {})[id] = float(row.get("score", 1))
    questions = []
    for row in files.rows(_part(folder, "queries")):
        id = str(_either(row, ("query-id", "query_id", "_id"), folder))
        if id in graded:
            text = str(_either(row, ("query", "text"), folder))
            answers = _answers(row.get("answer"))
            questions.append(Question(id, text, graded[id], answers=answers))
    return items, questions


def _part(folder: Path, name: str) -> list[Path]:
    found = files.tables(folder, name)
    if not found:
        raise UsageError(f"{folder} has a corpus and no {name}: the download is not whole")
    return found


def _either(row: dict[str, Any], names: Sequence[str], path: Path) -> Any:
    for name in names:
        if row.get(name) is not None:
            return row[name]
    raise UsageError(f"a row of {path} has none of {', '.join(names)}; it has {sorted(row)}")


def _answers(found: Any) -> tuple[str, ...]:
    if found is None or found == "":
        return ()
    return tuple(map(str, found)) if isinstance(found, list | tuple) else (str(found),)
