"""Pass on: a worker that lacks a job's type leaves its message to others, and claims nothing.

The queue shows the message again after a pause, so that another worker may get it. A queue gives a message up after
too many deliveries, so before that the job is taken back, to be dispatched by what the workers say of themselves then.
The pauses grow with the dispatches on end: what that costs grows with the logarithm of the time.
"""

from __future__ import annotations

from contextlib import suppress

from tidegate.domain.dispatches import dispatches_on_end, doubled
from tidegate.domain.errors import NotFound, TransitionRefused
from tidegate.domain.states import State
from tidegate.domain.texts import plain_message
from tidegate.domain.transitions import Stamp, TakeBackIfStillQueued
from tidegate.ports import Delivery, Message
from tidegate.usecases.services import Services

PAUSES_SECONDS = (1, 5, 30)
"""How long a message is hidden after each of its first deliveries; the last pause doubles with each dispatch."""

LONGEST_PAUSE_SECONDS = 900
_WHY_CHARACTERS = 100  # of a reason in a job's history


def pass_on(services: Services, pool: str, delivery: Delivery, worker_id: str, why: str, now_ms: int) -> bool:
    """Leaves a message to other workers; True where it is done with, and is to be acknowledged.

    `why` goes into the job's history where it is taken back. Raises DependencyUnavailable or ServiceRefused where the
    message comes again by itself.
    """
    earlier = delivery.receives - 1
    if earlier < len(PAUSES_SECONDS) - 1:
        services.queue.extend(pool, delivery.receipt, seconds=PAUSES_SECONDS[earlier])
        return False
    message = delivery.message
    job = services.jobs.get(message.job_id, consistent=True)
    if job is None or job.state is not State.QUEUED:
        return True
    if earlier < len(PAUSES_SECONDS):
        pause_seconds = doubled(PAUSES_SECONDS[-1], dispatches_on_end(job.history), LONGEST_PAUSE_SECONDS)
        services.queue.extend(pool, delivery.receipt, seconds=pause_seconds)
        return False
    take_back(services, message, worker_id, why, now_ms)
    return True


def take_back(services: Services, message: Message, worker_id: str, why: str, now_ms: int) -> None:
    """Takes the job of a message back, where it still waits for a worker; `why` goes into its history.

    Raises DependencyUnavailable or ServiceRefused where the message should come again.
    """
    job = services.jobs.get(message.job_id, consistent=True)
    if job is None:
        return
    stamp = Stamp(now_ms, worker_id, plain_message(why)[:_WHY_CHARACTERS])
    # Where that is refused, the job moved on by itself.
    with suppress(NotFound, TransitionRefused):
        services.jobs.apply(TakeBackIfStillQueued(job, message.attempt, message.reopened, stamp))
