"""Clocks that differ: no history goes backwards, and a lease written by a wrong clock is corrected at once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.ports import Outcome, OutcomeKind, Signal
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.reap.reap_active import reap_active
from tidegate.usecases.recover.reopen import retry_job
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import Run

BEHIND_MS = 120_000


class LearningClock:
    """A worker's clock that is wrong until AWS answers."""

    def __init__(self, deployment: Deployment, off_ms: int) -> None:
        self.deployment = deployment
        self.off_ms = off_ms

    def now_ms(self) -> int:
        return self.deployment.now_ms + self.off_ms

    def learn(self, request: str) -> None:
        if request == "apply":
            self.off_ms = 0


def assert_never_backwards(job: Job) -> None:
    times = [entry.at_ms for entry in job.history]
    assert all(one <= other for one, other in pairwise(times)), times
    if job.state is not State.READY and job.ready_at_ms is not None and job.queued_at_ms is not None:
        assert job.queued_at_ms >= job.ready_at_ms
    if job.started_at_ms is not None and job.finished_at_ms is not None:
        assert job.created_at_ms <= job.started_at_ms <= job.finished_at_ms


@pytest.mark.parametrize("ending", [OutcomeKind.SUCCEEDED, OutcomeKind.FAILED, OutcomeKind.HANDED_BACK])
def test_no_step_of_a_job_is_dated_before_the_one_before_it(ending: OutcomeKind) -> None:
    """The dispatcher's clock is behind the submitter's, the worker's behind both, the reaper's behind all."""
    deployment = Deployment()
    (job_id,) = deployment.submit()
    submitted_ms = deployment.now_ms
    tick(deployment.services, now_ms=submitted_ms - BEHIND_MS)
    assert deployment.job(job_id).queued_at_ms == submitted_ms
    (delivery,) = deployment.services.queue.receive(POOL, limit=1, wait_seconds=0)
    claimed = claim(deployment.services, delivery.message, "worker", submitted_ms - 2 * BEHIND_MS)
    assert claimed is not None
    conclude(deployment.services, claimed, Outcome(ending), submitted_ms - 3 * BEHIND_MS)
    assert_never_backwards(deployment.job(job_id))
    assert len(deployment.job(job_id).history) == 4


def test_a_lost_worker_s_job_and_one_that_is_retried_by_hand_go_on_in_time() -> None:
    deployment = Deployment()
    (job_id,) = deployment.submit()
    deployment.tick()
    ahead_ms = deployment.now_ms + BEHIND_MS
    (delivery,) = deployment.services.queue.receive(POOL, limit=1, wait_seconds=0)
    claimed = claim(deployment.services, delivery.message, "worker", ahead_ms)
    assert claimed is not None
    failed = Outcome(OutcomeKind.FAILED, code="no", retryable=False)
    conclude(deployment.services, claimed, failed, ahead_ms + 1)
    retry_job(
        deployment.services,
        job_id,
        reopen_skipped=False,
        caller=caller_named("ann"),
        now_ms=deployment.now_ms,
    )
    deployment.react()
    deployment.tick()
    assert_never_backwards(deployment.job(job_id))
    assert deployment.job(job_id).state is State.QUEUED


def test_a_lease_that_a_wrong_clock_wrote_is_mended_by_the_answer_that_shows_it() -> None:
    """The clock is two minutes behind, so the lease of a minute has ended when it is written.

    The reaper must not see that.
    """
    deployment = Deployment()
    (job_id,) = deployment.submit()
    deployment.tick()
    (delivery,) = deployment.services.queue.receive(POOL, limit=1, wait_seconds=0)
    claimed = claim(deployment.services, delivery.message, "worker", deployment.now_ms)
    assert claimed is not None
    clock = LearningClock(deployment, -BEHIND_MS)
    deployment.world.on_request = clock.learn
    run = Run(deployment.services, clock, claimed.job, lambda: Signal.GO_ON)
    assert run.beats(None) is Signal.GO_ON
    deployment.calm()
    reap_active(deployment.services, deployment.now_ms)
    assert deployment.job(job_id).state is State.RUNNING
    assert deployment.job(job_id).attempt == 1
