"""Redrive: jobs whose messages a queue gave up are tried again, once what kept workers from taking them is mended."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import State
from tidegate.domain.transitions import Stamp
from tidegate.usecases.bounds.deadline import (
    NEVER,
    Deadline,
)
from tidegate.usecases.read.query import list_without_inputs
from tidegate.usecases.read.status import check_standing_pool
from tidegate.usecases.recover.reopen import retry_as_read
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class Redriven:
    """What one call did: jobs tried again, failed jobs looked at; `cursor` is where the next call goes on, if any."""

    redriven: int
    looked_at: int
    cursor: str | None


def redrive_pool(
    services: Services,
    pool: str,
    *,
    cursor: str | None,
    limit: int,
    actor: str,
    now_ms: int,
    until: Deadline = NEVER,
) -> Redriven:
    """Retries the undeliverable among a page of at most `limit` (1-200) failed jobs of a pool, latest failure first.

    What was skipped because of them is reopened. Safe to repeat, and to run twice at once: what somebody else has
    retried meanwhile is left alone. Where a call is killed on its way, or its time is over `until` then, what was
    skipped for the jobs that it had reopened follows when these are done. Raises UnknownName; InvalidRequest for a
    cursor that is none; DependencyUnavailable or ServiceRefused where some could not be reached, and the same call
    goes on.
    """
    check_standing_pool(services, pool)
    page = list_without_inputs(services, State.FAILED, pool=pool, cursor=cursor, limit=limit)
    undeliverable = [
        job for job in page.jobs if job.failure is not None and job.failure.code == UNDELIVERABLE
    ]
    redriven = retry_as_read(services, undeliverable, Stamp(now_ms, actor), until)
    return Redriven(redriven, len(page.jobs), page.cursor)
