"""Run Python in a process of its own: no network, bounded time, memory and output.

Off by default. It is kept from the network and from using the machine up; it is not kept from files
that the person who started Omni can read, which is why a person is asked first.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import Field

from omni.errors import MediaError, Retry
from omni.modality import media_from_bytes
from omni.plugins import Component
from omni.wire import media_block
from omni.workbench import Arguments, BenchTool, Blocks

COMPONENTS = (
    Component("tool", "python", "Python in a process without network, with bounded resources."),
)

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_LONGEST = 10_000
_MOST_FILES = 8
_FILE_BYTES = 20_000_000


class _Code(Arguments):
    code: str = Field(min_length=1, max_length=50_000, description="Python; print what is wanted")
    inputs: list[str] = Field(
        default_factory=list,
        max_length=8,
        description="handles whose files are put into the working folder, under these names",
    )


class Python(BenchTool):
    """What is printed comes back, and files that are written become media."""

    name: str = "python"
    description: str = (
        "Run Python code and get what it prints. It has no network and little time. Files it "
        "writes into the working folder (pictures, tables, …) come back with handles."
    )
    args_schema: Any = _Code
    asks = True
    seconds: float = 20.0
    memory_bytes: int = 2 << 30

    def work(self, code: str, inputs: list[str] | None = None) -> str | Blocks:
        with tempfile.TemporaryDirectory(prefix="omni-python-") as folder:
            given = {self._put(name, Path(folder)) for name in inputs or []}
            ended, printed = self._run_in(code, folder)
            made = self._made(Path(folder), given)
        words = printed[-_LONGEST:] if printed.strip() else "(nothing was printed)"
        if len(printed) > _LONGEST:
            words = f"(the first {len(printed) - _LONGEST} characters are left out)\n{words}"
        if ended:
            raise Retry(f"{ended}\n{words}")
        return [{"type": "text", "text": words}, *made] if made else words

    def _put(self, name: str, folder: Path) -> str:
        media = self.bench.open(name)
        target = f"{name}{Path(media.name).suffix}"
        (folder / target).write_bytes(media.read())
        return target

    def _run_in(self, code: str, folder: str) -> tuple[str, str]:
        """Why it ended badly, if it did, and what it printed."""
        if sys.platform != "linux":
            raise Retry("code can be kept from the network on Linux only: it is not run here")
        with tempfile.TemporaryFile() as output:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-X", "utf8", "-c", code],
                    cwd=folder,
                    env={"PATH": os.environ.get("PATH", ""), "HOME": folder, "MPLBACKEND": "Agg"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_Fence(self.seconds, self.memory_bytes),
                )
            except subprocess.SubprocessError:
                raise Retry(
                    "this machine does not let a process be cut off from the network: code is not "
                    "run here"
                ) from None
            try:
                code_of_end = process.wait(self.seconds)
                ended = f"it ended with code {code_of_end}:" if code_of_end else ""
            except subprocess.TimeoutExpired:
                ended = f"it ran longer than {self.seconds:g} seconds and was stopped:"
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            return ended, output.read(10 * _LONGEST).decode("utf-8", "replace")

    def _made(self, folder: Path, given: set[str]) -> Blocks:
        blocks: Blocks = []
        for path in sorted(folder.iterdir()):
            if path.name in given or path.is_symlink() or not path.is_file():
                continue
            if not 0 < path.stat().st_size <= _FILE_BYTES or len(blocks) >= _MOST_FILES:
                continue
            with contextlib.suppress(MediaError):
                blocks.append(media_block(media_from_bytes(path.read_bytes(), path.name)))
        return blocks


class _Fence:
    """Runs in the new process, before the code: no network, and limits.

    Everything it needs is loaded before the fork: after it, only this thread exists.
    """

    def __init__(self, seconds: float, memory_bytes: int):
        import resource

        self._resource, self._libc = resource, ctypes.CDLL(None, use_errno=True)
        processor = int(seconds) + 1
        self._limits = (
            (resource.RLIMIT_CPU, processor),
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_FSIZE, 10 * _FILE_BYTES),
            (resource.RLIMIT_CORE, 0),
        )

    def __call__(self) -> None:
        if self._libc.unshare(_NEWUSER | _NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        for name, most in self._limits:
            self._resource.setrlimit(name, (most, most))


plugin = Python
