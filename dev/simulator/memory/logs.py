"""The logs of job code in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.logs import DatedLine, LogLine, LogPlace
from tidegate.ports import LogPortion

_NOTHING = LogPortion((), None, None)


@dataclass(frozen=True, slots=True)
class MemoryLogSink:
    """Keeps the lines of one place in a `MemoryWorld`, dated by `now_ms`; see ports.LogSink."""

    world: MemoryWorld
    place: LogPlace
    now_ms: Callable[[], int]

    def write(self, line: LogLine) -> None:
        """Keeps a line."""
        with self.world.lock:
            self.world.logs.setdefault(self.place, []).append((self.now_ms(), line))


class MemoryLogReader:
    """Reads logs from a `MemoryWorld`; see ports.LogReader. A portion has at most `portion` lines of all jobs."""

    def __init__(self, world: MemoryWorld, portion: int = 10_000) -> None:
        self._world = world
        self._portion = portion

    def read(
        self, place: LogPlace, job_id: str, attempt: int, *, from_ms: int, to_ms: int, position: str | None
    ) -> LogPortion:
        """Reads one portion of the lines of an attempt."""
        self._world.charge("read_logs")
        with self._world.lock:
            kept = [one for one in self._world.logs.get(place, ()) if from_ms <= one[0] < to_ms]
        start = int(position or 0)
        portion = kept[start : start + self._portion]
        if not portion:
            return _NOTHING
        lines = tuple(
            DatedLine(at_ms, line)
            for at_ms, line in portion
            if (line.job_id, line.attempt) == (job_id, attempt)
        )
        return LogPortion(lines, portion[-1][0], str(start + len(portion)))
