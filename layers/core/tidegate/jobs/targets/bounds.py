"""The time that an attempt of a target has, and the requests to stop it."""

from __future__ import annotations

import time

from tidegate.domain.errors import JobTimedOut
from tidegate.jobs.context import JobContext


class Bounds:
    """The end of an attempt: its job's timeout, the target's own (`timeout_seconds`), or a request to stop."""

    def __init__(self, context: JobContext, timeout_seconds: int | None) -> None:
        self._context = context
        self._ends_at_s = None if timeout_seconds is None else time.monotonic() + timeout_seconds

    @property
    def remaining_seconds(self) -> float:
        """Seconds until the attempt times out; 0 if it should have ended already."""
        job_seconds = self._context.remaining_seconds
        if self._ends_at_s is None:
            return job_seconds
        return max(0.0, min(job_seconds, self._ends_at_s - time.monotonic()))

    @property
    def reached(self) -> bool:
        """True if the attempt should stop."""
        return self._context.cancelled or self.remaining_seconds <= 0

    def check(self) -> None:
        """Raises JobCancelled or JobTimedOut if the attempt should stop."""
        self._context.check()
        if self.remaining_seconds <= 0:
            raise JobTimedOut("the time that the target allows is over")

    def sleep(self, seconds: float) -> None:
        """Sleeps for `seconds`, but wakes at once to raise JobCancelled or JobTimedOut if the attempt should stop."""
        self._context.sleep(min(seconds, self.remaining_seconds))
        self.check()
