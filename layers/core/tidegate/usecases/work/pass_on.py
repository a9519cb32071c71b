"""Passes on the message of a job that a worker can't run because it lacks the job's type.

The worker claims nothing. It hides the message for a short pause, after which another worker may receive it. The queue
gives up a message after too many deliveries. Before that, the job is taken back: it becomes READY, and the dispatcher
decides again by the types that the workers have then. The last pause grows with each dispatch in a row that no worker
claimed, so that such dispatches add few lines to the job's history.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from tidegate.domain.backoff import doubled
from tidegate.domain.dispatches import dispatches_on_end
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.texts import plain_message
from tidegate.domain.transitions import Stamp, TakeBackIfStillQueued, TransitionRefused
from tidegate.ports import Delivery, Message
from tidegate.usecases.services import Services

MOST_DELIVERIES = 40
"""The number of deliveries after which a job is taken back. The queues of process pools give up a message after 50."""

_LONGEST_SHORT_PAUSE_SECONDS = 10
# The pause doubles after this many deliveries. The first pauses are short, so that a worker that has the type soon
# receives the message even among many that lack it.
_DELIVERIES_OF_ONE_PAUSE = 4
_FIRST_LAST_PAUSE_SECONDS = 30
_LONGEST_PAUSE_SECONDS = 900
_WHY_CHARACTERS = 100  # of a reason in a job's history


def with_types(services: Services, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Adds the job's type to deliveries whose message names none, because an earlier version sent it.

    Reads all those jobs in one call. Raises ServiceUnavailable.
    """
    untyped = [delivery.message.job_id for delivery in deliveries if not delivery.message.type]
    jobs = services.jobs.get_many(untyped) if untyped else {}
    return [
        replace(delivery, message=replace(delivery.message, type=jobs[delivery.message.job_id].type))
        if delivery.message.job_id in jobs
        else delivery
        for delivery in deliveries
    ]


def pass_on(services: Services, pool: str, delivery: Delivery, worker_id: str, why: str, now_ms: int) -> bool:
    """Leaves a message to other workers; True if the message is done with and should be acknowledged.

    `why` goes into the job's history if the job is taken back. Raises ServiceUnavailable or ServiceRefused; the
    queue then delivers the message again by itself.
    """
    if delivery.receives < MOST_DELIVERIES:
        services.queue.extend(pool, delivery.receipt, seconds=_short_pause_seconds(delivery.receives))
        return False
    if delivery.message.second:
        return True  # the offer lapses, and its job goes on
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
    """Takes the job of a message back (QUEUED -> READY) if it is unchanged since it was read.

    `why` goes into the job's history. Raises ServiceUnavailable or ServiceRefused if the message should be delivered
    again.
    """
    stamp = Stamp(now_ms, worker_id, plain_message(why)[:_WHY_CHARACTERS])
    # A refusal means that the job was claimed, ended or taken back meanwhile, so nothing is left to do.
    with suppress(NotFound, TransitionRefused):
        services.jobs.apply(TakeBackIfStillQueued(job, message.attempt, message.reopened, stamp))
