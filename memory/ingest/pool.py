"""Processes that take files apart, each with a limit on its time; one that dies is replaced."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol

from omni.media import Access

from .plan import Plan
from .reading import Taken, take
from .worker import receive, send

_GRACE = 10.0
"""Seconds that a process has beyond a file's own limit, to begin and to answer."""


class Engine(Protocol):
    """Takes files apart, somewhere."""

    def run(
        self, paths: Sequence[Path], plan: Plan, access: Access | None
    ) -> Iterator[tuple[Path, Taken]]:
        """Each file with what became of it, in the order in which they are done."""
        ...


class Inline:
    """Takes files apart here, one after the other.

    A decoder that hangs or crashes takes this process with it; `Processes` does not have that.
    """

    def run(
        self, paths: Sequence[Path], plan: Plan, access: Access | None
    ) -> Iterator[tuple[Path, Taken]]:
        for path in paths:
            yield path, take(path, plan, access)


class Processes:
    """Takes files apart in processes of its own.

    At most twice as many files are under way as there are processes, so memory is bounded however
    many files there are. A file that takes too long, or kills its process, is answered with the
    reason.

    Args:
        count: how many processes.
    """

    def __init__(self, count: int):
        self.count = max(1, count)

    def run(
        self, paths: Sequence[Path], plan: Plan, access: Access | None
    ) -> Iterator[tuple[Path, Taken]]:
        waiting = iter(paths)
        under_way: dict[Future[Taken], Path] = {}
        workers = _Workers()
        with ThreadPoolExecutor(self.count, thread_name_prefix="omni-ingest") as threads:
            try:
                while True:
                    for path in waiting:
                        under_way[threads.submit(workers.take, path, plan, access)] = path
                        if len(under_way) >= 2 * self.count:
                            break
                    if not under_way:
                        return
                    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield under_way.pop(future), future.result()
            finally:
                for future in under_way:
                    future.cancel()
                workers.stop()


class _Workers:
    """One process a thread, begun when it is first needed."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def take(self, path: Path, plan: Plan, access: Access | None) -> Taken:
        process = self._process()
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(plan.seconds + _GRACE, stop)
        timer.daemon = True
        timer.start()
        try:
            send(process.stdin, (path, plan, access))  # type: ignore[arg-type]
            return receive(process.stdout)  # type: ignore[arg-type]
        except (EOFError, BrokenPipeError, OSError):
            code = process.wait()
            self._own.process = None
            if late.is_set():
                return Taken(
                    error=f"{path} took longer than {plan.seconds:g} s: split it, or allow more "
                    "seconds"
                )
            return Taken(error=f"{path} killed its reader ({_ended(code)}): it is damaged")
        finally:
            timer.cancel()

    def stop(self) -> None:
        """End all processes, whatever they do."""
        self._stopped = True
        for process in self._all:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _close(stream)

    def _process(self) -> subprocess.Popen[bytes]:
        process = getattr(self._own, "process", None)
        if process is None:
            process = subprocess.Popen(
                [sys.executable, "-m", "omni.memory.ingest.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )
            self._own.process = process
            self._all.append(process)
            if self._stopped:
                process.kill()
        return process


def _close(stream: Any) -> None:
    with contextlib.suppress(OSError):
        stream.close()


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
