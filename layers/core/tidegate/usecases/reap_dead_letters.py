"""Reap dead letters: what a queue gave up is reflected in its job."""

from __future__ import annotations

from tidegate.domain.errors import DependencyUnavailable, ServiceRefused
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FailIfStillQueued, Stamp
from tidegate.ports import Delivery, Message, MoveOutcome
from tidegate.usecases.deadline import NEVER, Deadline, in_turns, while_time
from tidegate.usecases.each import for_each, raise_first_failure
from tidegate.usecases.services import Services

ACTOR = "reaper"
BATCHES_PER_POOL = 20
_BATCH = 10
_FAILURE = JobFailure(
    UNDELIVERABLE,
    "its message was delivered again and again and no worker ever claimed the job; the worker's log says why",
)


def reap_dead_letters(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Fails the jobs whose messages nobody could take, a bounded number a run and `until` then; returns how many.

    A job that was claimed after all is left alone: its lease says what becomes of it.
    """

    def reap_pool(turn: tuple[str, Deadline]) -> int:
        pool, pool_until = turn
        failed = 0
        for _ in while_time(range(BATCHES_PER_POOL), pool_until):
            deliveries = services.queue.receive_dead(pool, limit=_BATCH)
            if not deliveries:
                break
            outcomes = _fail(services, deliveries, now_ms)
            failed += sum(isinstance(outcome, Job) for outcome in outcomes.values())
            read = [d.receipt for d in deliveries if not _is_open(outcomes.get(d.message))]
            services.queue.delete_dead(pool, read)
            raise_first_failure(outcomes.values())
        return failed

    pools = in_turns(sorted(services.settings.pools), until, services.entropy.jitter)
    return sum(for_each(pools, reap_pool))


def _fail(services: Services, deliveries: tuple[Delivery, ...], now_ms: int) -> dict[Message, MoveOutcome]:
    jobs = services.jobs.get_many([delivery.message.job_id for delivery in deliveries])
    messages = [m for m in dict.fromkeys(delivery.message for delivery in deliveries) if m.job_id in jobs]
    ending = Ending(State.FAILED, failure=_FAILURE, expires_at_s=services.settings.expires_at_s(now_ms))
    stamp = Stamp(now_ms, ACTOR, UNDELIVERABLE)
    outcomes = services.jobs.apply_all(
        [FailIfStillQueued(jobs[m.job_id], m.attempt, m.reopened, ending, stamp) for m in messages]
    )
    return dict(zip(messages, outcomes, strict=True))


def _is_open(outcome: MoveOutcome | None) -> bool:
    """Whether the job may still have to be failed, so that its letter must come again."""
    return isinstance(outcome, DependencyUnavailable | ServiceRefused)
