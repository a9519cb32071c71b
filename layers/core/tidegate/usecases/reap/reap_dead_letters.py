"""Handles dead letters: messages that a queue gave up because no worker handled them.

A dead letter says nothing about the job's code, because none of it ran. So the job is taken back and dispatched again.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.dispatches import MESSAGE_GIVEN_UP, given_up_on_end
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FailIfStillQueued, Stamp, TakeBackIfStillQueued, Transition
from tidegate.ports import Delivery, Message, TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns, while_time
from tidegate.usecases.isolation import FirstError, raise_first_failure
from tidegate.usecases.pools.capacity import pool_ability
from tidegate.usecases.services import Services

ACTOR = "reaper"
BATCHES_PER_POOL = 20
_BATCH = 10
_FAILURE = JobFailure(
    UNDELIVERABLE,
    f"its queue gave up its message in {limits.MAX_DISPATCHES_GIVEN_UP} dispatches in a row, and no worker claimed "
    "the job; the workers' logs say why",
)


@dataclass(slots=True)
class LetterCounts:
    """The number of jobs whose messages a queue gave up: those that failed and those that were taken back."""

    failed: int = 0
    taken_back: int = 0


def reap_dead_letters(services: Services, now_ms: int, *, until: Deadline = NEVER) -> LetterCounts:
    """Takes back the jobs of dead letters, up to `BATCHES_PER_POOL` batches of 10 for each pool.

    A job fails instead if its queue gave up its message in `MAX_DISPATCHES_GIVEN_UP` dispatches in a row, unless the
    fault is the workers': some lack the job's type, or say that they can begin no job. A job that was claimed after all
    is left alone, because its lease decides about it. Each pool gets an equal part of the time left before `until`.
    Returns the counts. Raises the first error after all pools have been looked at; the letters of jobs that could not
    be written stay in the queue.
    """
    counts = LetterCounts()
    errors = FirstError()
    for pool, pool_until in in_turns(sorted(services.settings.pools), until, services.entropy.jitter):
        with errors.isolated():
            _reap_pool(services, pool, now_ms, pool_until, counts)
    errors.raise_first()
    return counts


def _reap_pool(services: Services, pool: str, now_ms: int, until: Deadline, counts: LetterCounts) -> None:
    for _ in while_time(range(BATCHES_PER_POOL), until):
        deliveries = services.queue.receive_dead(pool, limit=_BATCH)
        if not deliveries:
            break
        outcomes = _put_right(services, deliveries, now_ms)
        moved = [outcome for outcome in outcomes.values() if isinstance(outcome, Job)]
        counts.failed += sum(job.is_terminal for job in moved)
        counts.taken_back += sum(not job.is_terminal for job in moved)
        read = [d.receipt for d in deliveries if not _is_open(outcomes.get(d.message))]
        services.queue.delete_dead(pool, read)
        raise_first_failure(outcomes.values())


def _put_right(
    services: Services, deliveries: tuple[Delivery, ...], now_ms: int
) -> dict[Message, TransitionOutcome]:
    jobs = services.jobs.get_many([delivery.message.job_id for delivery in deliveries])
    read = dict.fromkeys(delivery.message for delivery in deliveries)
    # The offer of a second attempt lapses, and its job goes on.
    messages = [message for message in read if message.job_id in jobs and not message.second]
    outcomes = services.jobs.apply_all([_repair(services, jobs[m.job_id], m, now_ms) for m in messages])
    return dict(zip(messages, outcomes, strict=True))


def _repair(services: Services, job: Job, message: Message, now_ms: int) -> Transition:
    few = given_up_on_end(job.history) + 1 < limits.MAX_DISPATCHES_GIVEN_UP
    if few or _is_fault_of_workers(services, job, now_ms):
        return TakeBackIfStillQueued(
            job, message.attempt, message.reopened, Stamp(now_ms, ACTOR, MESSAGE_GIVEN_UP)
        )
    ending = Ending(State.FAILED, failure=_FAILURE, expires_at_s=services.settings.expires_at_s(now_ms))
    return FailIfStillQueued(
        job, message.attempt, message.reopened, ending, Stamp(now_ms, ACTOR, UNDELIVERABLE)
    )


def _is_fault_of_workers(services: Services, job: Job, now_ms: int) -> bool:
    pool = services.settings.pools.get(job.pool)
    if pool is None:
        return False
    ability = pool_ability(services, pool, now_ms)
    return bool(ability.fault) or job.type in ability.limited


def _is_open(outcome: TransitionOutcome | None) -> bool:
    """True if the job could not be written, so that its letter must stay in the queue."""
    return isinstance(outcome, ServiceUnavailable | ServiceRefused)
