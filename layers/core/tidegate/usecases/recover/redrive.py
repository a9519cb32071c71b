"""Retries the undeliverable jobs of a pool, for an operator who has repaired the workers.

A job is FAILED as undeliverable if its queue gave up its messages several times and no worker claimed it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.callers import Caller
from tidegate.domain.job_query import JobQuery
from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import State
from tidegate.domain.transitions import Stamp
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.read.find_jobs import find_jobs
from tidegate.usecases.read.status import check_standing_pool
from tidegate.usecases.recover.reopen import retry_as_read
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many jobs one call retried, how many failed jobs it looked at, and the cursor of the next call, if any."""

    redriven: int
    looked_at: int
    cursor: str | None


def redrive_pool(
    services: Services,
    pool: str,
    *,
    cursor: str | None,
    limit: int,
    caller: Caller,
    now_ms: int,
    until: Deadline = NEVER,
) -> Redriven:
    """Retries the undeliverable jobs in a page of at most `limit` (1-200) failed jobs of a pool, latest failure first.

    Jobs that were skipped because of them are reopened too. If the call is killed or the deadline `until` comes first,
    the remaining skipped jobs are reopened when the retried jobs are done. Safe to repeat and to run twice at once: a
    job that was retried meanwhile is left alone. The jobs' history names the caller.
    Raises UnknownName for an unknown pool; InvalidRequest for a malformed cursor; ServiceUnavailable or
    ServiceRefused if some jobs could not be written: the same call continues with them.
    """
    check_standing_pool(services, pool)
    failed = JobQuery(states=(State.FAILED,), pool=pool)
    page = find_jobs(services, failed, cursor=cursor, limit=limit, now_ms=now_ms)
    undeliverable = [
        job for job in page.jobs if job.failure is not None and job.failure.code == UNDELIVERABLE
    ]
    redriven = retry_as_read(services, undeliverable, Stamp(now_ms, caller.display), until)
    return Redriven(len(redriven), len(page.jobs), page.cursor)
