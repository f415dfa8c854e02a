"""`omni mcp`: lend our tools to agents of others."""

from __future__ import annotations

import argparse

SUMMARY = "serve the tools to other agents (Model Context Protocol, standard input and output)"


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    from omni.cli.opening import tool_names

    parser.add_argument(
        "--tools",
        metavar="NAMES",
        type=tool_names,
        default=("all",),
        help="which tools: names with commas between (all that need not be asked for)",
    )
    parser.add_argument(
        "--session",
        metavar="NAME",
        default="mcp",
        help="where handles and media are kept (mcp)",
    )
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder whose files may be opened; may be given again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until standard input ends."""
    from pathlib import Path

    from omni.chat.sessions import Sessions, SessionShelf, check_name
    from omni.chat.toolbox import toolbox
    from omni.config import home, settings
    from omni.media import Access
    from omni.server.mcp import serve
    from omni.workbench import Workbench

    chosen = settings()
    roots = tuple(Path(root).expanduser().resolve() for root in arguments.root) or chosen.roots
    sessions = Sessions(home())
    session = check_name(arguments.session)
    try:
        with sessions.lock(session):
            shelf = SessionShelf(sessions, session)
            sessions.touch(session)
            bench = Workbench(shelf, Access(roots, chosen.max_bytes))
            serve(toolbox(arguments.tools, bench), shelf)
    finally:
        sessions.close()
    return 0
