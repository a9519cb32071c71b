"""Transitions into, during and out of RUNNING."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.job import Job, JobFailure, Progress
from tidegate.domain.states import State
from tidegate.domain.transitions.base import (
    Ending,
    OfKnownJob,
    Stamp,
    Transition,
    after_latest,
    ended,
    made_ready,
    moved,
)


@dataclass(frozen=True, slots=True)
class ClaimIfQueued(Transition):
    """QUEUED -> RUNNING under the next attempt. `attempt` is what the message carries: the claims before this one.

    `queued_at_ms` is when that dispatch was, as the message says; 0 where it does not.
    """

    name: ClassVar[str] = "claim"
    message_job_id: str
    attempt: int
    worker_id: str
    lease_expires_at_ms: int
    stamp: Stamp
    queued_at_ms: int = 0

    @property
    def job_id(self) -> str:
        return self.message_job_id

    @property
    def at(self) -> Stamp:
        """The stamp, or when the job was dispatched where that is later: another clock made that."""
        return replace(self.stamp, now_ms=max(self.stamp.now_ms, self.queued_at_ms))

    def apply(self, job: Job) -> Job:
        queued = job.state is State.QUEUED and job.attempt == self.attempt
        self._require(queued, job, f"it is {job.state} at attempt {job.attempt}")
        return _claimed(job, self.worker_id, self.lease_expires_at_ms, self.at)


@dataclass(frozen=True, slots=True)
class ClaimAgainIfLeaseExpired(OfKnownJob):
    """RUNNING -> RUNNING under the next attempt: the claim of this very message lost its lease, and attempts are left.

    `attempt` is the one that lost it. Not if cancellation was asked for.
    """

    name: ClassVar[str] = "claim again"
    attempt: int
    worker_id: str
    lease_expires_at_ms: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        self._require_same_life(job, self.job.reopened)
        self._require(job.has_attempts_left, job, "no attempt is left")
        self._require_not_cancelled(job)
        return _claimed(job, self.worker_id, self.lease_expires_at_ms, self.stamp)


def _claimed(job: Job, worker_id: str, lease_expires_at_ms: int, stamp: Stamp) -> Job:
    stamp = after_latest(job, stamp)
    return moved(
        job,
        State.RUNNING,
        stamp,
        attempt=job.attempt + 1,
        worker_id=worker_id,
        lease_expires_at_ms=lease_expires_at_ms,
        started_at_ms=stamp.now_ms,
        progress=None,
    )


@dataclass(frozen=True, slots=True)
class HeartbeatIfAttemptHolds(OfKnownJob):
    """Extends the lease and stores progress; the Job that comes back says whether cancellation was asked for."""

    name: ClassVar[str] = "heartbeat"
    attempt: int
    lease_expires_at_ms: int
    progress: Progress | None

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        return replace(
            job, lease_expires_at_ms=self.lease_expires_at_ms, progress=self.progress or job.progress
        )


@dataclass(frozen=True, slots=True)
class FinishIfAttemptHolds(OfKnownJob):
    """RUNNING -> a terminal state, by the worker that holds this attempt."""

    name: ClassVar[str] = "finish"
    attempt: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        return ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RetryIfAttemptHolds(OfKnownJob):
    """RUNNING -> SCHEDULED: the attempt failed, another follows at `due_at_ms`; not if cancellation was asked for."""

    name: ClassVar[str] = "retry"
    attempt: int
    due_at_ms: int
    failure: JobFailure
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_not_cancelled(job)
        return moved(
            job,
            State.SCHEDULED,
            self.stamp,
            due_at_ms=self.due_at_ms,
            failure=self.failure,
            lease_expires_at_ms=None,
        )


@dataclass(frozen=True, slots=True)
class HandBackIfAttemptHolds(OfKnownJob):
    """RUNNING -> READY: a worker that shuts down gives up what it can't finish, unless cancellation was asked for."""

    name: ClassVar[str] = "hand back"
    attempt: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_not_cancelled(job)
        return made_ready(job, self.stamp)


@dataclass(frozen=True, slots=True)
class ReadyIfLeaseExpired(OfKnownJob):
    """RUNNING -> READY: the worker was lost and attempts are left, unless cancellation was asked for."""

    name: ClassVar[str] = "reclaim"
    attempt: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        self._require_not_cancelled(job)
        return made_ready(job, self.stamp)


@dataclass(frozen=True, slots=True)
class FinishIfLeaseExpired(OfKnownJob):
    """RUNNING -> FAILED or CANCELLED: the worker was lost and no attempt is left, or cancellation was asked for."""

    name: ClassVar[str] = "give up"
    attempt: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        return ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RequestCancelIfRunning(OfKnownJob):
    """Asks the worker of a RUNNING job to stop, which it learns at its next heartbeat. The first request stays."""

    name: ClassVar[str] = "request cancel"
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.RUNNING)
        if job.cancel_requested_at_ms is not None:
            return job
        return replace(job, cancel_requested_at_ms=self.stamp.now_ms, cancel_requested_by=self.stamp.actor)


@dataclass(frozen=True, slots=True)
class CancelIfGraceOver(OfKnownJob):
    """RUNNING -> CANCELLED by force: asked for at least `grace_ms` ago, and the worker still goes on."""

    name: ClassVar[str] = "force cancel"
    grace_ms: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.RUNNING)
        asked_ms = job.cancel_requested_at_ms
        self._require(
            asked_ms is not None and asked_ms <= self.stamp.now_ms - self.grace_ms, job, "grace still runs"
        )
        return ended(job, self.ending, self.stamp)
