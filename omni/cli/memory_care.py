"""What looks after a memory as a whole: erase, compact, export, import."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from omni.cli.screen import Screen, size
from omni.errors import UsageError


def open_store(given: str | None, *, create: bool = False) -> Any:
    """The memory at an address, or the one in the home.

    Raises:
        UsageError: if there is no memory in that folder and none is to be made.
    """
    from omni import plugins
    from omni.config import home

    address = given or str(home() / "memory")
    if "://" not in address:
        folder = Path(address).expanduser()
        if not create and not (folder / "catalog.db").is_file():
            raise UsageError(
                f"there is no memory in {folder}: make one with  omni memory add PATH "
                f"--memory {folder}"
            )
        address = str(folder)
    return plugins.load("memory", "opening")(address)


def erase(arguments: argparse.Namespace, screen: Screen) -> int:
    """Take records out for good, with their pieces."""
    with open_store(arguments.memory) as memory:
        view = memory.bind()
        there = view.get(arguments.id)
        missing = sorted(set(arguments.id) - {record.id for record in there})
        if missing:
            raise UsageError(f"no record {missing[0]!r} here: omni memory search finds ids")
        ids = [id for record in there for id in (*_pieces(record), record.id)]
        rows = view.erase(list(dict.fromkeys(ids)))
    told = f"erased {rows} row{'' if rows == 1 else 's'}; nothing of them is left on disk"
    return _tell(arguments, screen, {"erased": rows}, told)


def compact(arguments: argparse.Namespace, screen: Screen) -> int:
    """Clear away what was deleted."""
    with open_store(arguments.memory) as memory:
        done = memory.compact()
    if not is_dataclass(done) or isinstance(done, type):
        return _tell(arguments, screen, {"compacted": True}, "compacted")
    found = asdict(done)
    told = f"{found['rows']} rows and {found['media']} media taken out"
    freed = found["freed"]
    told += f", {size(freed)} freed" if freed > 0 else ""
    return _tell(arguments, screen, found, told)


def export(arguments: argparse.Namespace, screen: Screen) -> int:
    """Write what a memory holds into a folder."""
    return _exchange(arguments, screen, "exporting", create=False)


def take_in(arguments: argparse.Namespace, screen: Screen) -> int:
    """Put what was exported into a memory."""
    return _exchange(arguments, screen, "importing", create=True)


def id_flags(parser: argparse.ArgumentParser) -> None:
    """Of `erase`."""
    parser.add_argument("id", nargs="+", metavar="ID", help="of a record, as search prints it")


def folder_flags(parser: argparse.ArgumentParser) -> None:
    """Of `export` and `import`."""
    parser.add_argument("folder", metavar="FOLDER", help="of the export")


def _exchange(arguments: argparse.Namespace, screen: Screen, name: str, *, create: bool) -> int:
    from omni import plugins

    folder = Path(arguments.folder).expanduser()
    with open_store(arguments.memory, create=create) as memory:
        done = plugins.load("memory", name)(
            memory.bind(), folder, progress=lambda count: screen.notice(f"{count:,} records")
        )
    verb = name.replace("ing", "ed")
    told = f"{verb} {done.records:,} records"
    if done.kept:
        told += f", {done.kept} of {done.parts} parts were there already"
    return _tell(arguments, screen, asdict(done) | {"folder": str(folder)}, told)


def _pieces(record: Any) -> tuple[str, ...]:
    """Ids of what a whole file was cut into."""
    ledger = record.meta.get("file")
    return tuple(ledger.get("pieces", ())) if isinstance(ledger, dict) else ()


def _tell(arguments: argparse.Namespace, screen: Screen, found: Any, words: str) -> int:
    if arguments.json:
        screen.raw(json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        screen.line(words)
    return 0


TASKS = {
    "erase": ("take out records for good: no byte of them is left", id_flags, erase),
    "compact": ("clear away what was forgotten, and merge what is sealed", lambda _: None, compact),
    "export": (
        "write everything into a folder, as JSON lines and safetensors",
        folder_flags,
        export,
    ),
    "import": ("put what was exported into this memory", folder_flags, take_in),
}
