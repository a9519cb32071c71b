"""A job that is interrupted many times, while clocks differ, is the same in every store."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import pytest

from dev.simulator.checks.attempts import check_attempts
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tidegate.domain import limits
from tidegate.domain.dispatches import dispatches_on_end
from tidegate.domain.job import Job, JobFailure, Progress
from tidegate.domain.lives import UNBEGUN
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    BeginIfAttemptHolds,
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    HandBackIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    ReadyIfDue,
    ReadyIfLeaseExpired,
    ReadyIfWaitingOnlyOn,
    ReopenIfEnded,
    RetryIfAttemptHolds,
    Stamp,
    TakeBackIfStillQueued,
    Transition,
)

FAILURE = JobFailure("failed", "no luck")
LEASE_MS = 60_000
# The store, how the course is drawn, and the number of interruptions. In the last course most dispatches are taken
# back, so each interruption takes some twenty calls.
COURSES = [
    *(("memory", seed, 100) for seed in range(3)),
    ("moto", 0, 100),
    ("local", 1, 100),
    ("local", 2, 30),
]
OFF_MS = 90_000  # a clock may be off by this much, either way


class Course:
    """Draws the next step of a job. Time goes on, and each actor's clock is off by its own amount."""

    def __init__(self, seed: int) -> None:
        self._taken_back = (0.05, 0.5, 0.9)[seed]  # the share of dispatches that no worker claims
        self._draw = random.Random(seed)
        self._now_ms = NOW_MS
        self.interruptions = 0

    def next(self, job: Job) -> Transition:
        self._now_ms += self._draw.choice((0, 1, 5, 2_000))
        return self._by_state[job.state](self, job)

    def _stamp(self, actor: str, reason: str = "") -> Stamp:
        return Stamp(self._now_ms + self._draw.randint(-OFF_MS, OFF_MS), actor, reason)

    def _release(self, job: Job) -> Transition:
        return ReadyIfWaitingOnlyOn(job, frozenset(), self._stamp("dispatcher"))

    def _wake(self, job: Job) -> Transition:
        return ReadyIfDue(job, Stamp(max(job.due_at_ms or 0, self._now_ms), "dispatcher"))

    def _dispatch(self, job: Job) -> Transition:
        return DispatchIfReady(job.job_id, POOL, self._stamp("dispatcher"), job.ready_at_ms)

    def _take(self, job: Job) -> Transition:
        if self._draw.random() < self._taken_back:
            return TakeBackIfStillQueued(job, job.attempt, job.reopened, self._stamp("reaper"))
        stamp = self._stamp("w")
        lease_ms = stamp.now_ms + LEASE_MS
        return ClaimIfQueued(job.job_id, job.attempt, "w", lease_ms, stamp, job.queued_at_ms or 0)

    def _run(self, job: Job) -> Transition:
        drawn, stamp = self._draw.random(), self._stamp("w")
        if drawn < 0.1:
            return BeginIfAttemptHolds(job, job.attempt, stamp.now_ms)
        if drawn < 0.25:
            return HeartbeatIfAttemptHolds(
                job, job.attempt, stamp.now_ms + LEASE_MS, Progress(0.5), stamp.now_ms
            )
        if drawn < 0.9:
            self.interruptions += 1
            began_at_ms = self._draw.choice((None, stamp.now_ms))
            reason = UNBEGUN if began_at_ms is None else ""
            return HandBackIfAttemptHolds(job, job.attempt, Stamp(stamp.now_ms, "w", reason), began_at_ms)
        if drawn < 0.94 and job.may_lose_its_worker:
            late = Stamp((job.lease_expires_at_ms or 0) + 1, "reaper", "worker lost")
            if self._draw.random() < 0.5:
                return ReadyIfLeaseExpired(job, job.attempt, late)
            return ClaimAgainIfLeaseExpired(
                job, job.attempt, "w", late.now_ms + LEASE_MS, Stamp(late.now_ms, "w")
            )
        if job.has_retries_left:
            return RetryIfAttemptHolds(job, job.attempt, self._now_ms + 1, FAILURE, stamp, stamp.now_ms)
        ending = Ending(State.FAILED, failure=FAILURE, began_at_ms=stamp.now_ms)
        return FinishIfAttemptHolds(job, job.attempt, ending, stamp)

    def _reopen(self, job: Job) -> Transition:
        return ReopenIfEnded(job, self._stamp("ann", "reopened"))

    _by_state: ClassVar[Mapping[State, Callable[[Course, Job], Transition]]] = {
        State.PENDING: _release,
        State.SCHEDULED: _wake,
        State.READY: _dispatch,
        State.QUEUED: _take,
        State.RUNNING: _run,
        State.FAILED: _reopen,
    }


def times_of(job: Job) -> Sequence[int]:
    return [entry.at_ms for entry in job.history]


@pytest.mark.parametrize(("stores", "seed", "interruptions"), COURSES, indirect=["stores"])
def test_a_job_is_interrupted_many_times(stores: Stores, seed: int, interruptions: int) -> None:
    stores.jobs.insert_if_absent([new_job("S")])
    course = Course(seed)
    job = stores.jobs.get("S", consistent=True)
    assert job is not None
    while course.interruptions < interruptions:
        transition = course.next(job)
        expected = transition.apply(job)
        job = stores.jobs.apply(transition)
        assert job == expected
        check_attempts(job)
        assert list(times_of(job)) == sorted(times_of(job))
        assert dispatches_on_end(job.history) <= limits.MAX_DISPATCHES_KEPT + 1
        assert len(job.history) < 10 * (limits.MAX_REOPENINGS + 1) * limits.MAX_INTERRUPTIONS_KEPT
    assert stores.jobs.get("S", consistent=True) == job
