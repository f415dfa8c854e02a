"""`omni doctor`: what is here, what is missing, and what it would cost to get it."""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from typing import TYPE_CHECKING

from omni.cli.screen import Screen, colourful, size, table

if TYPE_CHECKING:
    from omni.doctor import Check

SUMMARY = "say what is here, what is missing, and what it would cost to get it"
_SIGNS = {"ok": "ok", "note": "·", "missing": "--", "broken": "!!"}
_NAME_COLUMNS = 14
_STYLES = {"missing": "33", "broken": "31"}


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 if something that Omni needs is missing or broken."""
    from omni import doctor

    screen = Screen()
    checks = list(doctor.examine())
    if arguments.json:
        told = json.dumps(doctor.to_json(checks), ensure_ascii=False, indent=1)
        screen.raw(told + "\n")
        return 0 if doctor.healthy(checks) else 1
    for area, found in groupby(checks, key=lambda check: check.area):
        screen.line(area)
        _print(screen, list(found))
    if not doctor.healthy(checks):
        screen.error("something that Omni needs is missing: see the lines above")
        return 1
    return 0


def _print(screen: Screen, checks: list[Check]) -> None:
    for check in checks:
        row = (_SIGNS[check.state], check.name.ljust(_NAME_COLUMNS), _detail(check))
        style = _STYLES.get(check.state) if colourful(screen.out) else None
        for line in table([row], screen.columns - 2):
            screen.raw(f"\x1b[{style}m  {line}\x1b[0m\n" if style else f"  {line}\n")


def _detail(check: Check) -> str:
    told = check.detail
    if check.remedy:
        told += f": {check.remedy}"
    if check.download:
        told += f" (about {size(check.download)} to download)"
    return told
