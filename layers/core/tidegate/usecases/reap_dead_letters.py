"""Reap dead letters: what a queue gave up is reflected in its job."""

from __future__ import annotations

from tidegate.domain.errors import DependencyUnavailable, ServiceRefused
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FailIfStillQueued, Stamp
from tidegate.ports import Delivery, MoveOutcome
from tidegate.usecases.each import for_each, raise_first_failure
from tidegate.usecases.services import Services

ACTOR = "reaper"
BATCHES_PER_POOL = 20
_BATCH = 10
_FAILURE = JobFailure(
    UNDELIVERABLE,
    "its message was delivered again and again and no worker ever claimed the job; the worker's log says why",
)


def reap_dead_letters(services: Services, now_ms: int) -> int:
    """Fails the jobs whose messages nobody could take, a bounded number a run; returns how many.

    A job that was claimed after all is left alone: its lease says what becomes of it.
    """

    def reap_pool(pool: str) -> int:
        failed = 0
        for _ in range(BATCHES_PER_POOL):
            deliveries = services.queue.receive_dead(pool, limit=_BATCH)
            if not deliveries:
                break
            outcomes = _fail(services, deliveries, now_ms)
            failed += sum(isinstance(outcome, Job) for outcome in outcomes.values())
            read = [d.receipt for d in deliveries if not _is_open(outcomes.get(d.message.job_id))]
            services.queue.delete_dead(pool, read)
            raise_first_failure(outcomes.values())
        return failed

    return sum(for_each(sorted(services.settings.pools), reap_pool))


def _fail(services: Services, deliveries: tuple[Delivery, ...], now_ms: int) -> dict[str, MoveOutcome]:
    # Of letters about one job only the latest can be about its present attempt.
    attempts: dict[str, int] = {}
    for message in (delivery.message for delivery in deliveries):
        attempts[message.job_id] = max(message.attempt, attempts.get(message.job_id, 0))
    jobs = list(services.jobs.get_many(list(attempts)).values())
    ending = Ending(State.FAILED, failure=_FAILURE, expires_at_s=services.settings.expires_at_s(now_ms))
    stamp = Stamp(now_ms, ACTOR, UNDELIVERABLE)
    outcomes = services.jobs.apply_all(
        [FailIfStillQueued(job, attempts[job.job_id], ending, stamp) for job in jobs]
    )
    return {job.job_id: outcome for job, outcome in zip(jobs, outcomes, strict=True)}


def _is_open(outcome: MoveOutcome | None) -> bool:
    """Whether the job may still have to be failed, so that its letter must come again."""
    return isinstance(outcome, DependencyUnavailable | ServiceRefused)
