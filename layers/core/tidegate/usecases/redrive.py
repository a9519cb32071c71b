"""Redrive: jobs whose messages a queue gave up are tried again, once what kept workers from taking them is mended."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import DependencyUnavailable
from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import State
from tidegate.domain.transitions import Stamp
from tidegate.usecases.query import list_jobs
from tidegate.usecases.reopen import retry_job
from tidegate.usecases.services import Services
from tidegate.usecases.status import check_pool

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Redriven:
    """What one call did: jobs tried again, failed jobs looked at; `cursor` is where the next call goes on, if any."""

    redriven: int
    looked_at: int
    cursor: str | None


def redrive_pool(
    services: Services, pool: str, *, cursor: str | None, limit: int, actor: str, now_ms: int
) -> Redriven:
    """Retries the undeliverable among a page of at most `limit` (1-200) failed jobs of a pool, latest failure first.

    What was skipped because of them is reopened. Safe to repeat; where a call is killed on its way, what was skipped
    for the job that it had just reopened may be left, and is opened by rerunning its workflow. Raises UnknownName, or
    InvalidRequest for a cursor that is none.
    """
    check_pool(services, pool)
    page = list_jobs(services, State.FAILED, pool=pool, cursor=cursor, limit=limit)
    undeliverable = [
        job
        for job in page.jobs
        if job.failure is not None
        and job.failure.code == UNDELIVERABLE
        and job.reopened < limits.MAX_REOPENINGS
    ]
    for job in undeliverable:
        _retry(services, job.job_id, Stamp(now_ms, actor))
    return Redriven(len(undeliverable), len(page.jobs), page.cursor)


def _retry(services: Services, job_id: str, stamp: Stamp) -> None:
    """Again where it was cut off: the next redrive would not find a job that is open, nor what was skipped for it."""
    for tries_left in reversed(range(_TRIES)):
        try:
            retry_job(services, job_id, reopen_skipped=True, actor=stamp.actor, now_ms=stamp.now_ms)
        except DependencyUnavailable:
            if not tries_left:
                raise
        else:
            return
