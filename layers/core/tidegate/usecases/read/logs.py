"""Reads what an attempt of a job printed, in pages that a caller can follow while the attempt runs."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.job import Job
from tidegate.domain.logs import DatedLine, LogPlace
from tidegate.domain.states import State
from tidegate.usecases.read import cursors
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.services import Services

MOST_PORTIONS = 5
"""The most portions of a log that one page reads."""

LATE_MS = 10_000
"""After its end, an attempt's last lines may still be under way for this long."""

_FIRST, _SECOND = "logs", "logs of second"  # the kinds of a cursor

_CLOCKS_OFF_MS = 60_000  # the log may date a line by another clock than the one that dated the claim


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the lines of an attempt, oldest first.

    `attempt` is None where the job has had none. `place` is None where it is not known where the lines are. The page
    covers the attempt up to `looked_to_ms`, in milliseconds since the epoch; None where nothing was there. `missing`
    counts lines that were printed before the page's last one and are not in the log. `cursor` continues; it is None
    once the attempt has ended and all its lines are read.
    """

    job: Job
    attempt: int | None
    place: LogPlace | None
    lines: tuple[DatedLine, ...]
    looked_to_ms: int | None
    missing: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt as the job's history tells it. `ended_at_ms` is None while it runs.

    `second` says that it is the second attempt of its number.
    """

    place: LogPlace | None
    began_at_ms: int
    ended_at_ms: int | None
    second: bool = False


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a caller has read: the time of the last line looked at, and the number of the last line given.

    `second` says that the lines were those of a second attempt.
    """

    attempt: int
    at_ms: int
    number: int
    second: bool = False


def read_logs(
    services: Services,
    job_id: str,
    *,
    attempt: int | None,
    from_ms: int | None,
    cursor: str | None,
    limit: int,
    now_ms: int,
) -> LogPage:
    """Reads a page of at most `limit` lines of an attempt; without `attempt`, of that of the cursor or the latest.

    `from_ms` leaves out earlier lines. Costs one read of the job and at most `MOST_PORTIONS` reads of the log. Raises
    NotFound where there is no such job, and InvalidRequest where it has no such attempt or the cursor is another's.
    """
    mark = None if cursor is None else _mark_of(job_id, cursor)
    if mark is not None and attempt not in (None, mark.attempt):
        raise InvalidRequest.of(
            "cursor", f"is one of attempt {mark.attempt}; leave out attempt, or give that"
        )
    job = find_job(services, job_id)
    wanted = mark.attempt if mark is not None and mark.attempt else attempt or job.attempt
    if wanted > job.attempt:
        raise InvalidRequest.of("attempt", f"is {wanted}, but the job has had {job.attempt} so far")
    if wanted == 0:
        waiting = None if job.is_terminal else _cursor_of(job_id, _Mark(0, 0, 0))
        return LogPage(job, None, None, (), None, 0, waiting)
    run = _run_of(job, wanted)
    if run is None or run.place is None:
        return LogPage(job, wanted, None, (), None, 0, None)
    start = _Mark(wanted, max(run.began_at_ms - _CLOCKS_OFF_MS, from_ms or 0), 0, run.second)
    # A caller that followed the first attempt reads the second one, which won, from its first line.
    if mark is not None and mark.attempt and mark.second == run.second:
        start = mark
    # Until a line was given, nobody knows how many lines come before `from_ms`.
    is_cut = from_ms is not None and not start.number
    return _page(services, job, run, run.place, start, limit, now_ms, is_cut=is_cut)


def _page(
    services: Services,
    job: Job,
    run: _Run,
    place: LogPlace,
    start: _Mark,
    limit: int,
    now_ms: int,
    *,
    is_cut: bool = False,
) -> LogPage:
    """Reads from `start` on until the page is full, the log ends, or `MOST_PORTIONS` are read.

    `is_cut` says that lines before `start` are left out on purpose.
    """
    ends_ms = now_ms if run.ended_at_ms is None else run.ended_at_ms
    lines: list[DatedLine] = []
    looked_to_ms: int | None = None
    position: str | None = None
    is_full = is_whole = False
    for _ in range(MOST_PORTIONS):
        portion = services.logs.read(
            place,
            job.job_id,
            start.attempt,
            from_ms=start.at_ms,
            to_ms=ends_ms + _CLOCKS_OFF_MS,
            position=position,
        )
        looked_to_ms = portion.looked_to_ms if portion.looked_to_ms is not None else looked_to_ms
        is_full = _took(lines, portion.lines, start.number, limit)
        is_whole = portion.position is None
        if is_full or is_whole:
            break
        position = portion.position
    last = lines[-1] if lines else None
    number = start.number if last is None else last.line.number
    looked_to_ms = last.at_ms if is_full and last is not None else looked_to_ms
    at_ms = start.at_ms if looked_to_ms is None else max(start.at_ms, looked_to_ms)
    if not (is_full or is_whole) and at_ms == start.at_ms:
        at_ms += 1  # so many lines within one millisecond that the page would never get past them
    is_over = run.ended_at_ms is not None and run.ended_at_ms + LATE_MS <= now_ms
    is_all = is_over and is_whole and not is_full
    cursor = None if is_all else _cursor_of(job.job_id, _Mark(start.attempt, at_ms, number, start.second))
    before = lines[0].line.number - 1 if lines and is_cut else start.number
    missing = number - before - len(lines) if lines else 0
    return LogPage(job, start.attempt, place, tuple(lines), looked_to_ms, missing, cursor)


def _took(lines: list[DatedLine], found: tuple[DatedLine, ...], after: int, limit: int) -> bool:
    """Adds the lines behind number `after` until the page is full; returns True if it is."""
    size_bytes = sum(len(one.line.text.encode()) for one in lines)
    for one in found:
        if one.line.number <= (lines[-1].line.number if lines else after):
            continue  # the service may keep a line twice that was sent again
        size_bytes += len(one.line.text.encode())
        if len(lines) >= limit or (lines and size_bytes > limits.MAX_LOG_PAGE_BYTES):
            return True
        lines.append(one)
    return False


def _run_of(job: Job, attempt: int) -> _Run | None:
    """Returns an attempt from the job's history; None where the history no longer keeps it.

    Where a second attempt beside it won, that one counts.
    """
    second = job.second
    if job.won_by_second and second is not None and second.beside == attempt:
        return _Run(second.logs, second.claimed_at_ms or 0, job.finished_at_ms, second=True)
    for place, entry in enumerate(job.history):
        if entry.state is State.RUNNING and entry.attempt == attempt:
            after = job.history[place + 1 :]
            return _Run(entry.logs, entry.at_ms, after[0].at_ms if after else None)
    return None


def _cursor_of(job_id: str, mark: _Mark) -> str:
    kind = _SECOND if mark.second else _FIRST
    return cursors.short([kind, job_id, mark.attempt, mark.at_ms, mark.number])


def _mark_of(job_id: str, cursor: str) -> _Mark:
    with cursors.checked():
        kind, of_job, attempt, at_ms, number = cursors.read_short(cursor)
        if kind not in (_FIRST, _SECOND) or of_job != job_id:
            raise ValueError(cursor)
        for value in (attempt, at_ms, number):
            if type(value) is not int or not 0 <= value < 2**53:
                raise ValueError(cursor)
        return _Mark(attempt, at_ms, number, kind == _SECOND)
