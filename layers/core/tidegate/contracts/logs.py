"""The answer about what an attempt printed: its model and the function that makes it."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.job import Job
from tidegate.domain.logs import DatedLine, LogPlace


class LogLineOut(TypedDict):
    """One line that an attempt printed or logged. `number` counts the lines of the attempt from 1."""

    at: Time | None
    number: int
    text: str


class LogPageOut(TypedDict):
    """A page of the lines of an attempt, oldest first.

    `attempt` is null before the first one, `log_group` and `log_stream` where the lines are kept nowhere. `missing`
    counts lines that are not in the log although they were printed. `cursor` continues, null at the end of an attempt
    that has ended.
    """

    job_id: str
    state: str
    attempt: int | None
    log_group: str | None
    log_stream: str | None
    lines: list[LogLineOut]
    missing: int
    looked_to: Time | None
    cursor: str | None


def log_page_out(
    job: Job,
    attempt: int | None,
    place: LogPlace | None,
    lines: Sequence[DatedLine],
    *,
    missing: int,
    looked_to_ms: int | None,
    cursor: str | None,
) -> LogPageOut:
    """Returns a page of lines as clients read it."""
    return {
        "job_id": job.job_id,
        "state": job.state,
        "attempt": attempt,
        "log_group": None if place is None else place.group,
        "log_stream": None if place is None else place.stream,
        "lines": [
            {"at": to_wire(one.at_ms), "number": one.line.number, "text": one.line.text} for one in lines
        ],
        "missing": missing,
        "looked_to": to_wire(looked_to_ms),
        "cursor": cursor,
    }
