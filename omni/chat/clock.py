"""How long a turn has worked, over its stops: what a person takes to decide does not count."""

from __future__ import annotations

import time

CLOCK = "omni_clock"
"""Key in a run's configuration under which its clock is."""

WORKED = "omni_worked"
"""Key in the metadata of a checkpoint: the seconds for which its turn had worked by then."""


class Clock:
    """Runs from when it is made.

    Args:
        before: seconds for which the turn worked before it stopped, perhaps in another process.
        limit: seconds that the whole turn may take.
    """

    def __init__(self, before: float = 0.0, limit: float | None = None):
        self._before = before
        self._limit = limit
        self._began = time.monotonic()

    def worked(self) -> float:
        """Seconds for which the turn has worked."""
        return self._before + time.monotonic() - self._began

    def left(self) -> float | None:
        """Seconds until its limit, 0 once that is reached; `None` without one."""
        return None if self._limit is None else max(0.0, self._limit - self.worked())
