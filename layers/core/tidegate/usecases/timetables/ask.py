"""Runs a timetable because a caller asks: once now, or for the times of a past range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, ServiceRefused, ServiceUnavailable, TidegateError
from tidegate.domain.timetables.timetable import Cause, Run, RunOutcome, Template, Timetable
from tidegate.domain.timetables.views import RunView
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import OnAccepted
from tidegate.usecases.timetables.find import find_own, find_timetable, template_of
from tidegate.usecases.timetables.subjects import run_views
from tidegate.usecases.timetables.submit_run import key_at, run_of, submit_once
from tidegate.usecases.timetables.times import in_range

_RECENT_RUNS = 20  # among which a repeated request finds its run
_CLOCK_MS = 60_000  # by which the clock of a caller that says "up to now" may be ahead


@dataclass(frozen=True, slots=True)
class BackfillCount:
    """The scheduled times of a range: their number, whether there are more than were counted, the first and the last.

    `submitted` counts those among the first `MAX_TIMETABLE_RUNS` that were submitted already. Times are in milliseconds
    since the epoch, None without any.
    """

    timetable: Timetable
    count: int
    more: bool
    submitted: int
    first_ms: int | None
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class Backfilled:
    """The runs that one call of a backfill made, how many times had been submitted before, and where to continue.

    `next_ms` is in milliseconds since the epoch, None once the range is done.
    """

    runs: tuple[RunView, ...]
    already: int
    next_ms: int | None


def run_now(
    services: Services,
    timetable_id: str,
    *,
    idempotency_key: str | None,
    caller: Caller,
    now_ms: int,
    until: Deadline = NEVER,
    on_accepted: OnAccepted | None = None,
) -> tuple[RunView, bool]:
    """Submits the template of a timetable once, as if now were a scheduled time. Also while it is paused.

    It is submitted in the name of the owner, beside earlier runs. With an idempotency key, the same request again finds
    the same run. Returns the run, and whether this call recorded it. Raises NotFound, NotYours; InvalidRequest or
    ShareFull where the submission is refused; ServiceUnavailable or ServiceRefused.
    """
    timetable = find_own(services, timetable_id, caller)
    mark = services.entropy.new_ulid(now_ms) if idempotency_key is None else idempotency_key
    subject = submit_once(
        services,
        timetable,
        template_of(services, timetable),
        now_ms,
        key=f"{timetable_id}#run#{mark}",
        now_ms=now_ms,
        until=until,
        on_accepted=on_accepted,
    )
    if idempotency_key is not None:
        recent = services.timetables.latest_runs([timetable_id], limit=_RECENT_RUNS)[timetable_id]
        for run in recent:
            if run.submitted == subject:
                return run_views(services, [run])[0], False
    run = run_of(
        services, timetable, now_ms, RunOutcome.SUBMITTED, cause=Cause.MANUAL, now_ms=now_ms, subject=subject
    )
    services.timetables.record([run])
    return run_views(services, [run])[0], True


def count_backfill(
    services: Services, timetable_id: str, from_ms: int, to_ms: int, *, now_ms: int
) -> BackfillCount:
    """Counts the scheduled times from `from_ms` on and before `to_ms`, up to `MAX_BACKFILL_COUNTED`.

    Costs a read of the timetable, and one of up to 100 records. Raises NotFound, and InvalidRequest for a range that is
    empty, too long or lies ahead.
    """
    to_ms = _end_of_range(from_ms, to_ms, now_ms)
    timetable = find_timetable(services, timetable_id)
    times = in_range(services.calendar, timetable, from_ms, to_ms, limit=limits.MAX_BACKFILL_COUNTED + 1)
    counted = times[: limits.MAX_BACKFILL_COUNTED]
    first = counted[: limits.MAX_TIMETABLE_RUNS]
    records = services.timetables.runs_at(timetable_id, first) if first else {}
    return BackfillCount(
        timetable,
        len(counted),
        len(times) > len(counted),
        sum(each.submitted is not None for each in records.values()),
        counted[0] if counted else None,
        counted[-1] if counted else None,
    )


def backfill(
    services: Services,
    timetable_id: str,
    from_ms: int,
    to_ms: int,
    *,
    caller: Caller,
    now_ms: Callable[[], int],
    until: Deadline = NEVER,
    on_accepted: OnAccepted | None = None,
) -> Backfilled:
    """Submits the first `MAX_TIMETABLE_RUNS` scheduled times of a range that were not submitted, the earliest first.

    A time that was submitted by any way is passed over, while its record or its submission is kept. Runs go beside each
    other, whatever the timetable's `overlap`. A refused submission is recorded and the next one tried. Stops at the
    deadline `until` after at least one run. Raises NotFound, NotYours; InvalidRequest for a range that is empty, too
    long or lies ahead; ServiceUnavailable or ServiceRefused: the same call again goes on.
    """
    to_ms = _end_of_range(from_ms, to_ms, now_ms())
    timetable = find_own(services, timetable_id, caller)
    times = in_range(services.calendar, timetable, from_ms, to_ms, limit=limits.MAX_TIMETABLE_RUNS + 1)
    wanted, rest = times[: limits.MAX_TIMETABLE_RUNS], times[limits.MAX_TIMETABLE_RUNS :]
    records = services.timetables.runs_at(timetable_id, wanted) if wanted else {}
    template = template_of(services, timetable)
    runs: list[Run] = []
    already = 0
    next_ms: int | None = rest[0] if rest else None
    for at_ms in wanted:
        standing = records.get(at_ms)
        if standing is not None and standing.submitted is not None:
            already += 1
            continue
        if runs and until.is_over():
            next_ms = at_ms
            break
        run = _backfilled(services, timetable, template, at_ms, now_ms(), until, on_accepted)
        services.timetables.record([run])
        runs.append(run)
    return Backfilled(tuple(run_views(services, runs)), already, next_ms)


def _backfilled(
    services: Services,
    timetable: Timetable,
    template: Template,
    at_ms: int,
    now_ms: int,
    until: Deadline,
    on_accepted: OnAccepted | None,
) -> Run:
    try:
        subject = submit_once(
            services,
            timetable,
            template,
            at_ms,
            key=key_at(timetable, at_ms),
            now_ms=now_ms,
            until=until,
            on_accepted=on_accepted,
        )
    except (ServiceUnavailable, ServiceRefused):
        raise
    except TidegateError as error:
        return run_of(
            services,
            timetable,
            at_ms,
            RunOutcome.REFUSED,
            cause=Cause.BACKFILL,
            now_ms=now_ms,
            subject=None,
            code=error.code,
            message=str(error),
        )
    return run_of(
        services, timetable, at_ms, RunOutcome.SUBMITTED, cause=Cause.BACKFILL, now_ms=now_ms, subject=subject
    )


def _end_of_range(from_ms: int, to_ms: int, now_ms: int) -> int:
    """Returns the end of a range, which is now at the latest. Raises InvalidRequest for a range that can't be taken."""
    if to_ms > now_ms + _CLOCK_MS:
        raise InvalidRequest.of(
            "to", "lies ahead; a backfill submits past times, and the timetable itself the others"
        )
    if from_ms >= to_ms:
        raise InvalidRequest.of("from", "must be before `to`")
    if to_ms - from_ms > limits.MAX_BACKFILL_SECONDS * 1_000:
        raise InvalidRequest.of("from", "lies more than ten years before `to`; take a shorter range")
    return min(to_ms, now_ms)
