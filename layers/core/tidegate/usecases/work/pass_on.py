"""Pass on: a worker that lacks a job's type leaves its message to others, and claims nothing.

The queue shows the message again after a short pause, so that another worker may get it. A queue gives a message up
after too many deliveries, so before that the job is taken back, to be dispatched by what the workers say of themselves
then. The last pause grows with the dispatches on end: the lines that they add to the job's history stay few.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from tidegate.domain.dispatches import dispatches_on_end, doubled
from tidegate.domain.errors import NotFound, TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.texts import plain_message
from tidegate.domain.transitions import Stamp, TakeBackIfStillQueued
from tidegate.ports import Delivery, Message
from tidegate.usecases.services import Services

MOST_DELIVERIES = 40
"""Deliveries after which a job is taken back; the queues of process pools give a message up after 50."""

_LONGEST_SHORT_PAUSE_SECONDS = 10
# Then it doubles: with many workers that lack the type, those that have it soon get a chance.
_DELIVERIES_OF_ONE_PAUSE = 4
_FIRST_LAST_PAUSE_SECONDS = 30
_LONGEST_PAUSE_SECONDS = 900
_WHY_CHARACTERS = 100  # of a reason in a job's history


def with_types(services: Services, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Adds the jobs' types to deliveries that name none, as messages of an earlier version do. One read for all."""
    untyped = [delivery.message.job_id for delivery in deliveries if not delivery.message.type]
    jobs = services.jobs.get_many(untyped) if untyped else {}
    return [
        replace(delivery, message=replace(delivery.message, type=jobs[delivery.message.job_id].type))
        if delivery.message.job_id in jobs
        else delivery
        for delivery in deliveries
    ]


def pass_on(services: Services, pool: str, delivery: Delivery, worker_id: str, why: str, now_ms: int) -> bool:
    """Leaves a message to other workers; True where it is done with, and is to be acknowledged.

    `why` goes into the job's history where it is taken back. Raises DependencyUnavailable or ServiceRefused where the
    message comes again by itself.
    """
    if delivery.receives < MOST_DELIVERIES:
        services.queue.extend(pool, delivery.receipt, seconds=_short_pause_seconds(delivery.receives))
        return False
    job = services.jobs.get(delivery.message.job_id, consistent=True)
    if job is None or job.state is not State.QUEUED:
        return True
    if delivery.receives == MOST_DELIVERIES:
        dispatches = dispatches_on_end(job.history)
        pause_seconds = doubled(_FIRST_LAST_PAUSE_SECONDS, dispatches, _LONGEST_PAUSE_SECONDS)
        services.queue.extend(pool, delivery.receipt, seconds=pause_seconds)
        return False
    take_back(services, job, delivery.message, worker_id, why, now_ms)
    return True


def _short_pause_seconds(receives: int) -> int:
    return doubled(1, 1 + (receives - 1) // _DELIVERIES_OF_ONE_PAUSE, _LONGEST_SHORT_PAUSE_SECONDS)


def take_back(services: Services, job: Job, message: Message, worker_id: str, why: str, now_ms: int) -> None:
    """Takes the job of a message back, where it still waits as it was read; `why` goes into its history.

    Raises DependencyUnavailable or ServiceRefused where the message should come again.
    """
    stamp = Stamp(now_ms, worker_id, plain_message(why)[:_WHY_CHARACTERS])
    # Where that is refused, the job moved on by itself.
    with suppress(NotFound, TransitionRefused):
        services.jobs.apply(TakeBackIfStillQueued(job, message.attempt, message.reopened, stamp))
