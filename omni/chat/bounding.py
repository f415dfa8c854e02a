"""Run something for a limited time, and leave it when the turn is stopped."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from omni.chat.cancelling import check
from omni.errors import Failed

T = TypeVar("T")
_POLL_SECONDS = 0.05


def bounded(work: Callable[[], T], seconds: float, name: str) -> T:
    """What `work` returns, which runs in a thread of its own.

    Python cannot end a thread: what was left goes on for itself, and nobody hears of it.

    Args:
        work: what to do.
        seconds: after which it is left.
        name: of what is done, for the message.

    Raises:
        Failed: if it took longer, or wanted to end the process.
        Cancelled: if the turn was stopped in the meantime.
        BaseException: what `work` raised.
    """
    found: list[Any] = []
    raised: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            raised.append(error)
        finally:
            done.set()

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name=f"omni {name}", daemon=True).start()
    waited = 0.0
    while not done.wait(min(_POLL_SECONDS, max(0.0, seconds - waited))):
        check()
        waited += _POLL_SECONDS
        if waited >= seconds:
            raise Failed(f"{name} did not come back within {seconds:g} s and was left")
    if raised:
        if isinstance(raised[0], SystemExit | KeyboardInterrupt):
            raise Failed(f"{name} wanted to end the program ({raised[0]!r})") from None
        raise raised[0]
    return found[0]
