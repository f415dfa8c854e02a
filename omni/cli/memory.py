"""`omni memory`: put files into a memory, find them again, and look after it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.cli import experience, memory_care, relating
from omni.cli.screen import Screen, fit, one_line, size, table

if TYPE_CHECKING:
    from omni.config import Settings
    from omni.media import Media

SUMMARY = "put files into a memory and find them again, by words or by other files"
_SHOWN = 160
_DRAWN = 3
"""Hits of which the spot is drawn at a terminal."""

_UNBOUNDED = 1 << 40
"""Tokens: who searches a document says how many hits are wanted, not how much is read."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb, and the verbs below it."""
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--memory", metavar="DIR", help="folder of the memory; one in the home")
    shared.add_argument("--json", action="store_true", help="print one JSON object")
    for name, told in _TASKS.items():
        summary = told[0]
        child = tasks.add_parser(name, help=summary, description=summary, parents=[shared])
        child.set_defaults(task_run=told[2])
        told[1](child)


def run(arguments: argparse.Namespace) -> int:
    """Do the task; 1 if something of it failed."""
    screen = Screen()
    if not arguments.json:
        return arguments.task_run(arguments, screen)
    try:
        return arguments.task_run(arguments, screen)
    except Exception as error:
        code = getattr(error, "exit_code", 1)
        failed = {"type": type(error).__name__, "message": one_line(str(error)), "code": code}
        _print_json(screen, {"error": failed})
        raise


def open_library(given: str | None, settings: Settings, *, create: bool = False) -> Any:
    """The memory in a folder, or the one in the home."""
    from omni import plugins
    from omni.config import home
    from omni.media import Access

    root = Path(given).expanduser() if given else home() / "memory"
    access = Access(settings.roots, settings.max_bytes)
    return plugins.load("memory", "retrieve")(root, create=create, access=access)


def attached(names: Sequence[str], settings: Settings) -> tuple[Media, ...]:
    """Files that are asked with."""
    from omni.media import Access
    from omni.modality import open_media, readable

    access = Access(settings.roots, settings.max_bytes)
    return tuple(readable(open_media(Path(name).expanduser(), access)) for name in names)


def _add(arguments: argparse.Namespace, screen: Screen) -> int:
    def told(one: Any, done: int, total: int) -> None:
        tell_file(screen, one, done, total)

    with open_library(arguments.memory, _settings(), create=True) as library:
        outcome = library.add(arguments.paths, progress=told)
        for note in library.notes:
            screen.notice(note)
        found = outcome.to_json()
        if arguments.json:
            _print_json(screen, found)
        else:
            counts = ", ".join(f"{n} {name}" for name, n in found["counts"].items() if n)
            screen.line(f"{counts or 'no files'}; {found['records']} records in {library.root}")
        return 1 if found["counts"]["failed"] else 0


def _search(arguments: argparse.Namespace, screen: Screen) -> int:
    settings = _settings()
    media = attached(arguments.attach, settings)
    with _searched(arguments, settings) as library:
        where = {"@modality": {"$in": arguments.kind}} if arguments.kind else None
        query = library.query(" ".join(arguments.words), media)
        plan = library.cascade(whole=arguments.files)
        found = library.search(
            query,
            arguments.k,
            where,
            rerank=arguments.rerank,
            compose=arguments.compose,
            cascade=plan,
            graph=arguments.graph,
        )
        for note in dict.fromkeys([*library.notes, *found.explain.notes]):
            screen.notice(note)
        if arguments.json:
            shown = {"hits": [_hit_json(library, hit) for hit in found.hits]}
            if arguments.explain:
                shown["explain"] = found.explain.to_json()
            _print_json(screen, shown)
            return 0
        for place, hit in enumerate(found.hits, 1):
            print_hit(screen, library, place, hit, explain=arguments.explain, way=settings.graphics)
        if not found.hits:
            screen.notice("nothing found")
        if arguments.explain:
            rows = [
                (stage.name, f"{1000 * stage.seconds:.1f} ms", f"{len(stage.scores)} records")
                for stage in found.explain.stages
            ]
            screen.line("\n".join(table(rows, screen.columns)))
    return 0


def _searched(arguments: argparse.Namespace, settings: Settings) -> Any:
    """All of a memory, or one document."""
    from omni.cli.documents import open_document

    if not arguments.document:
        return open_library(arguments.memory, settings)
    return open_document(
        arguments.document, arguments.memory, settings, order="near", budget=_UNBOUNDED
    )


def _show(arguments: argparse.Namespace, screen: Screen) -> int:
    settings = _settings()
    with open_library(arguments.memory, settings) as library:
        found = library.get(arguments.id)
        record = _record_json(found)
        if screen.interactive and not arguments.json:
            draw(screen, library, found, settings.graphics)
    if arguments.json:
        _print_json(screen, record)
        return 0
    rows = [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in record.items()
        if name != "text"
    ]
    screen.line("\n".join(table(rows, screen.columns)))
    if record["text"]:
        screen.line()
        screen.line(record["text"])
    return 0


def _forget(arguments: argparse.Namespace, screen: Screen) -> int:
    with open_library(arguments.memory, _settings()) as library:
        gone = library.forget(arguments.id)
    told = f"forgot {gone} record{'' if gone == 1 else 's'}"
    return _tell(arguments, screen, {"forgotten": gone}, told)


def _stats(arguments: argparse.Namespace, screen: Screen) -> int:
    with open_library(arguments.memory, _settings()) as library:
        found = library.stats()
    if arguments.json:
        _print_json(screen, found)
    else:
        print_stats(screen, found)
    return 0


def print_stats(screen: Screen, found: Mapping[str, Any]) -> None:
    """What is in a memory, line by line."""
    spaces = ", ".join(f"{one['name']} ({one['width']})" for one in found["spaces"]) or "none"
    counts = ", ".join(f"{n} {name}" for name, n in found["by_modality"].items()) or "none"
    rows = [
        ("memory", found["memory"]),
        ("files", f"{found['files']:,}"),
        ("records", f"{found['records']:,} ({counts})"),
        ("spaces", spaces),
        ("on disk", size(found["bytes"])),
    ]
    screen.line("\n".join(table(rows, screen.columns)))


def _verify(arguments: argparse.Namespace, screen: Screen) -> int:
    with open_library(arguments.memory, _settings()) as library:
        problems = library.verify(repair=not arguments.no_repair)
    lines = [
        f"{one['part']}: {one['told']}{' (mended)' if one['mended'] else ''}" for one in problems
    ]
    told = "\n".join(lines) or "all is as it should be"
    _tell(arguments, screen, {"problems": problems}, told)
    return 0 if all(one["mended"] for one in problems) else 1


def _calibrate(arguments: argparse.Namespace, screen: Screen) -> int:
    with open_library(arguments.memory, _settings()) as library:
        found = library.calibrate()
    shown = {
        "weights": dict(found.weights),
        "mrr": found.mrr,
        "alone": dict(found.alone),
        "questions": found.questions,
    }
    rows = [("leg", "weight", "MRR alone")]
    rows += [(n, f"{w:.1f}", f"{found.alone[n]:.3f}") for n, w in found.weights.items()]
    rows.append(("together", "", f"{found.mrr:.3f} on {found.questions} questions"))
    return _tell(arguments, screen, shown, "\n".join(table(rows, screen.columns)))


def _settings() -> Settings:
    from omni.config import settings

    return settings()


def _tell(arguments: argparse.Namespace, screen: Screen, found: Any, words: str) -> int:
    if arguments.json:
        _print_json(screen, found)
    else:
        screen.line(words)
    return 0


def _print_json(screen: Screen, found: Any) -> None:
    screen.raw(json.dumps(found, ensure_ascii=False, allow_nan=False, default=str) + "\n")


def tell_file(screen: Screen, one: Any, done: int, total: int) -> None:
    """What became of a file, as a line of progress."""
    why = one.reason or (f"like {one.of}" if one.of else f"{one.records} records")
    screen.notice(fit(f"{done}/{total}  {one.status}  {one.path.name}  {why}", screen.columns))


def draw(screen: Screen, library: Any, found: Any, way: str) -> None:
    """The box of the page, the frame or the curve that was found, where a terminal can show it."""
    from omni.cli.preview import try_to_show
    from omni.errors import OmniError

    try:
        media = library.excerpt(found)
    except OmniError as error:
        screen.error(f"nothing can be shown of it: {error}")
        return
    if media is not None:
        try_to_show(media, screen, way=way)


def print_hit(
    screen: Screen,
    library: Any,
    place: int,
    hit: Any,
    *,
    explain: bool = False,
    way: str = "auto",
) -> None:
    """A hit: where it is from, what it says, and at a terminal the spot of the first ones."""
    record = hit.record
    screen.line(fit(f"{place}. {library.spot(hit)}  [{record.modality}]", screen.columns))
    said = one_line(record.text or str(record.meta.get("caption") or ""))
    if said:
        screen.line(fit(f"   {said[:_SHOWN]}", screen.columns))
    scores = "  ".join(f"{name} {score:.3f}" for name, score in hit.stages.items())
    screen.line(fit(f"   {record.id}" + (f"  {scores}" if explain else ""), screen.columns))
    if screen.interactive and place <= _DRAWN:
        draw(screen, library, hit, way)


def _hit_json(library: Any, hit: Any) -> dict[str, Any]:
    citation = library.cite(hit).model_dump(mode="json", exclude_none=True)
    shown = _record_json(hit.record)
    shown |= {"score": hit.score, "stages": dict(hit.stages), "citation": citation}
    return shown


def _record_json(record: Any) -> dict[str, Any]:
    meta: Mapping[str, Any] = record.meta
    origin = record.provenance
    media = record.media
    return {
        "id": record.id,
        "title": record.title,
        "modality": record.modality,
        "kind": record.kind,
        "text": record.text,
        "meta": dict(meta),
        "provenance": origin.to_json() if origin is not None else None,
        "media": None
        if media is None
        else {"mime": media.mime, "name": media.name, "path": str(media.path)},
    }


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files and folders to take in")


def _search_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="WORDS", help="what is looked for")
    parser.add_argument(
        "-a", "--attach", action="append", default=[], metavar="FILE", help="a file like it"
    )
    parser.add_argument("-k", type=int, default=5, metavar="N", help="how many hits (5)")
    parser.add_argument(
        "--kind", action="append", default=[], metavar="KIND", help="only such as image or audio"
    )
    parser.add_argument("--files", action="store_true", help="each file once, by its best piece")
    parser.add_argument(
        "--document", metavar="FILE", help="only in this document: a file, or an id of a record"
    )
    parser.add_argument("--rerank", metavar="R", help="late, telling, or cross-encoder:MODEL")
    parser.add_argument(
        "--compose", metavar="C", help="telling: WORDS say what is to be otherwise than in FILE"
    )
    parser.add_argument(
        "--graph", action="store_true", help="go by names, too, from record to record (see relate)"
    )
    parser.add_argument("--explain", action="store_true", help="what each stage scored, and took")


def _id_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="of a record, as search prints it")


def _verify_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-repair", action="store_true", help="look, and change nothing")


def _no_flags(parser: argparse.ArgumentParser) -> None:
    pass


_Task = tuple[
    str,
    Callable[[argparse.ArgumentParser], None],
    Callable[[argparse.Namespace, Screen], int],
]
_TASKS: dict[str, _Task] = {
    "add": ("take in files and folders", _add_flags, _add),
    "search": ("find by words, by files, or by both", _search_flags, _search),
    "show": ("all that is known of a record", _id_flags, _show),
    "forget": ("take out a record with its pieces", _id_flags, _forget),
    "stats": ("what is there", _no_flags, _stats),
    "verify": ("read everything through, and mend what is derived", _verify_flags, _verify),
    "calibrate": ("find how words and vectors are to be weighed here", _no_flags, _calibrate),
    **relating.TASKS,
    **memory_care.TASKS,
    **experience.TASKS,
}
