"""What job code prints: its lines, and the place that keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.domain import limits


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The log group and the log stream that keep what the attempts of one worker print."""

    group: str
    stream: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that an attempt printed or logged. `number` counts the lines of the attempt from 1."""

    job_id: str
    attempt: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class DatedLine:
    """A line and when it was printed, in milliseconds since the epoch."""

    at_ms: int
    line: LogLine


def last_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """Returns the last of `lines`, as many as stand with a job's error."""
    kept: list[str] = []
    left_bytes = limits.MAX_LAST_LINES_BYTES
    for line in reversed(list(lines)[-limits.MAX_LAST_LINES :]):
        text = line.encode()[:left_bytes].decode("utf-8", "ignore")
        left_bytes -= len(text.encode()) + 1
        kept.append(text)
        if left_bytes <= 0:
            break
    return tuple(reversed(kept))
