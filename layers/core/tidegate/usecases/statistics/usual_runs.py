"""Reads how long jobs of each type usually run, also against their estimates, and estimates jobs by it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tidegate.domain import limits
from tidegate.domain.errors import ServiceUnavailable, TidegateError
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest
from tidegate.domain.states import State
from tidegate.domain.statistics.codec import UnknownVersion
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, Span, floor_to
from tidegate.domain.statistics.usual_runs import (
    Straggler,
    UsualOverrun,
    UsualRun,
    straggler_of,
    usual_runs,
)
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.services import Services

DAYS: Final = 14
"""How many whole days count, beside the hours since."""
READ_AT_MOST_MS: Final = 3_000
"""No read begins later than this, because a submission waits for it."""
MAX_TYPES: Final = 100
"""How many types of a submission get estimates, because its record keeps them."""
_LOGGER = logging.getLogger(__name__)


def usual_estimates(
    services: Services, jobs: Sequence[JobRequest], now_ms: int, until: Deadline = NEVER
) -> Mapping[str, float]:
    """Returns the usual run times, in seconds, for the jobs without an estimate, by their types.

    Types without a usual run are left out, and those beyond the MAX_TYPES that most of the jobs have.
    """
    wanted = Counter(job.type for job in jobs if job.estimated_duration_seconds is None)
    if not wanted:
        return {}
    usual = known_usual_runs(services, now_ms, until)
    known = [job_type for job_type, _ in wanted.most_common() if job_type in usual]
    longest = limits.MAX_ESTIMATED_DURATION_SECONDS
    return {job_type: min(usual[job_type].median_seconds, longest) for job_type in known[:MAX_TYPES]}


def with_estimates(jobs: Sequence[JobRequest], estimates: Mapping[str, float]) -> tuple[JobRequest, ...]:
    """Returns the jobs, with these estimates of their types where they have none of their own."""
    return tuple(
        replace(job, estimated_duration_seconds=estimates[job.type], estimate_is_usual=True)
        if job.estimated_duration_seconds is None and job.type in estimates
        else job
        for job in jobs
    )


def known_usual_runs(services: Services, now_ms: int, until: Deadline = NEVER) -> Mapping[str, UsualRun]:
    """Returns the usual run of each type that has one, by the last DAYS days in all deployed pools.

    The process reads two queries for each pool, and keeps the answer for `recall.KEEP_LONG_MS`. Where they can't be
    read, or not within `READ_AT_MOST_MS` and `until`, no type has a usual run for that time: an estimate is a help, and
    no call fails for want of one.
    """
    return services.long_recall.of("usual-runs", now_ms, lambda: _read(services, now_ms, until))


def known_overruns(services: Services, now_ms: int, until: Deadline = NEVER) -> Mapping[str, UsualOverrun]:
    """Returns how jobs of each type usually run against their estimates, as far as the statistics tell.

    Reads what `known_usual_runs` reads, and shares its answer.
    """
    usual = known_usual_runs(services, now_ms, until)
    return {job_type: each.overrun for job_type, each in usual.items() if each.overrun is not None}


def straggling(services: Services, job: Job, now_ms: int, until: Deadline = NEVER) -> Straggler | None:
    """Returns the measure of a straggler, None for any other job. Reads nothing unless the job is RUNNING."""
    if job.state is not State.RUNNING:
        return None
    return straggler_of(job, known_usual_runs(services, now_ms, until).get(job.type), now_ms)


def _read(services: Services, now_ms: int, until: Deadline) -> Mapping[str, UsualRun]:
    try:
        return usual_runs(_rollups(services, now_ms, until.at_most(READ_AT_MOST_MS)))
    except (TidegateError, UnknownVersion) as error:
        _LOGGER.warning("usual run times can't be read: %s", error)
        return {}


def _rollups(services: Services, now_ms: int, until: Deadline) -> Iterator[Rollup]:
    """Yields the whole days of each pool, and the hours since that no day counts yet.

    Raises ServiceUnavailable where the time is over before a pool's turn: some of the pools would tell another median.
    """
    today_ms = floor_to(now_ms, DAY_MS)
    for pool in sorted(services.settings.pools):
        if until.is_over():
            raise ServiceUnavailable("the time for it is over")
        days = services.statistics.find(pool, Span.DAY, today_ms - DAYS * DAY_MS, now_ms)
        # A day is put some minutes after its end. Of an earlier day without a roll-up nothing is to be counted.
        since_ms = max([today_ms - DAY_MS, *(day.to_ms for day in days)])
        hours = services.statistics.find(pool, Span.HOUR, since_ms, now_ms)
        yield from (counted.rollup for counted in (*days, *hours))
