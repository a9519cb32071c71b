"""The clock of one run: dates each of its steps, however long the run takes."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.ports import Stopwatch


class _Still:
    """Its time never passes."""

    def now_ms(self) -> int:
        """Always the same."""
        return 0


STILL: Stopwatch = _Still()


@dataclass(frozen=True, slots=True)
class RunClock:
    """When a run began, by a clock, and what has passed since, by a stopwatch, in milliseconds.

    So a long run dates each of its steps when it does it, and no step of the machine's clock shows in between.
    """

    began_ms: int
    stopwatch: Stopwatch
    started_ms: int

    @staticmethod
    def since(now_ms: int, stopwatch: Stopwatch) -> RunClock:
        """Starts the clock of a run that begins now, at `now_ms`."""
        return RunClock(now_ms, stopwatch, stopwatch.now_ms())

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self.began_ms + self.stopwatch.now_ms() - self.started_ms
