"""The ports for what job code prints: one to pass its lines on, one to read them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.logs import DatedLine, LogLine, LogPlace


class LogSink(Protocol):
    """Takes the lines of the attempts of one worker. Threads may share it."""

    def write(self, line: LogLine) -> None:
        """Passes a line on. It never raises and never waits; a line that there is no room for is dropped."""


@dataclass(frozen=True, slots=True)
class LogPortion:
    """The lines of a job among one portion of a log, oldest first.

    `looked_to_ms` is the time of the last line that was looked at, of whatever job; None where there was none.
    `position` continues the reading, and is None at the end of the log.
    """

    lines: tuple[DatedLine, ...]
    looked_to_ms: int | None
    position: str | None


class LogReader(Protocol):
    """Reads the lines of jobs."""

    def read(
        self, place: LogPlace, job_id: str, attempt: int, *, from_ms: int, to_ms: int, position: str | None
    ) -> LogPortion:
        """Reads one portion of what the place holds from `from_ms` on and before `to_ms`, oldest first.

        `position` is that of the portion before, None for the first. Returns the lines of exactly this attempt of
        exactly this job; no portion at all where the place does not exist yet. Raises ServiceUnavailable or
        ServiceRefused.
        """
