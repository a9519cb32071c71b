"""Gives the time during a long run, as the time of its beginning plus the time that has passed."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.ports import Stopwatch


class _Still:
    """A stopwatch that stands still, for callers that do not measure time."""

    def now_ms(self) -> int:
        """Returns 0."""
        return 0


STILL: Stopwatch = _Still()


@dataclass(frozen=True, slots=True)
class RunClock:
    """The time of a run: when it began, by a clock, plus the milliseconds that have passed, by a stopwatch.

    Each step of a long run gets its own time this way, and a correction of the machine's clock during the run does not
    show. `started_ms` is the stopwatch's time at `began_ms`.
    """

    began_ms: int
    stopwatch: Stopwatch
    started_ms: int

    @staticmethod
    def since(now_ms: int, stopwatch: Stopwatch) -> RunClock:
        """Starts the clock of a run that begins now, at `now_ms`."""
        return RunClock(now_ms, stopwatch, stopwatch.now_ms())

    def now_ms(self) -> int:
        """Returns the time now, in milliseconds since the epoch."""
        return self.began_ms + self.stopwatch.now_ms() - self.started_ms
