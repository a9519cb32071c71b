"""The transitions into, during and out of RUNNING."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.job import Job, JobFailure, Progress
from tidegate.domain.lives import without_old_interruptions
from tidegate.domain.seats import UNKNOWN_SEAT, Seat
from tidegate.domain.states import FAILURES, State
from tidegate.domain.transitions.base import (
    Ending,
    OfKnownJob,
    Stamp,
    Transition,
    after_latest,
    brought_to,
    ended,
    made_ready,
)


@dataclass(frozen=True, slots=True)
class ClaimIfQueued(Transition):
    """QUEUED -> RUNNING under the next attempt.

    `attempt` is the number of claims before this one, as the message carries it. `queued_at_ms` is when the job was
    dispatched, in milliseconds since the epoch, as the message carries it; 0 where it does not.
    """

    name: ClassVar[str] = "claim"
    message_job_id: str
    attempt: int
    worker_id: str
    lease_expires_at_ms: int
    stamp: Stamp
    queued_at_ms: int = 0
    seat: Seat = UNKNOWN_SEAT

    @property
    def job_id(self) -> str:
        return self.message_job_id

    @property
    def at(self) -> Stamp:
        """Returns the stamp, with the time of the dispatch where that is later because another clock dated it."""
        return replace(self.stamp, now_ms=max(self.stamp.now_ms, self.queued_at_ms))

    def apply(self, job: Job) -> Job:
        queued = job.state is State.QUEUED and job.attempt == self.attempt
        self._require(queued, job, f"it is {job.state} at attempt {job.attempt}")
        return _claimed(job, self, self.at)


@dataclass(frozen=True, slots=True)
class ClaimAgainIfLeaseExpired(OfKnownJob):
    """RUNNING -> RUNNING under the next attempt, where the claim of this very message lost its lease.

    `attempt` is the attempt that lost it. Refused where the job has lost too many workers, or a caller asked for
    cancellation.
    """

    name: ClassVar[str] = "claim again"
    attempt: int
    worker_id: str
    lease_expires_at_ms: int
    stamp: Stamp
    seat: Seat = UNKNOWN_SEAT

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        self._require_same_life(job, self.job.reopened)
        self._require(job.may_lose_its_worker, job, "it has lost as many workers as a job may lose")
        self._require_not_cancelled(job)
        return _claimed(_without_worker(job), self, self.stamp)


def _claimed(job: Job, claim: ClaimIfQueued | ClaimAgainIfLeaseExpired, stamp: Stamp) -> Job:
    stamp = after_latest(job, stamp)
    return brought_to(
        job,
        State.RUNNING,
        stamp,
        attempt=job.attempt + 1,
        worker_id=claim.worker_id,
        worker_name=claim.seat.name,
        worker_host=claim.seat.host,
        lease_expires_at_ms=claim.lease_expires_at_ms,
        started_at_ms=stamp.now_ms,
        progress=None,
    )


def _without_worker(job: Job) -> Job:
    return replace(job, worker_losses=job.worker_losses + 1)


def _begun(job: Job, began_at_ms: int | None) -> Job:
    """Returns the job with the time at which its code began, where the worker knows that time."""
    return job if began_at_ms is None else replace(job, began_at_ms=began_at_ms)


@dataclass(frozen=True, slots=True)
class BeginIfAttemptHolds(OfKnownJob):
    """Notes that the code of the attempt begins. The job stays RUNNING.

    Only a job whose start another job waits for gets this write. All other jobs carry `began_at_ms` in a write that
    happens anyway: the next heartbeat, or the write that ends the attempt.
    """

    name: ClassVar[str] = "begin"
    attempt: int
    began_at_ms: int

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        return _begun(job, self.began_at_ms)


@dataclass(frozen=True, slots=True)
class HeartbeatIfAttemptHolds(OfKnownJob):
    """Extends the lease and stores progress.

    The Job that comes back says whether a caller asked for cancellation. `began_at_ms` is when the attempt's code
    began, in milliseconds since the epoch; None before that.
    """

    name: ClassVar[str] = "heartbeat"
    attempt: int
    lease_expires_at_ms: int
    progress: Progress | None
    began_at_ms: int | None = None

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        return replace(
            _begun(job, self.began_at_ms),
            lease_expires_at_ms=self.lease_expires_at_ms,
            progress=self.progress or job.progress,
        )


@dataclass(frozen=True, slots=True)
class FinishIfAttemptHolds(OfKnownJob):
    """RUNNING -> a terminal state, by the worker that holds this attempt.

    FAILED and TIMED_OUT count as one more failed attempt (`tries`).
    """

    name: ClassVar[str] = "finish"
    attempt: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        tried = job.tries + (self.ending.state in FAILURES)
        return ended(replace(job, tries=tried), self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RetryIfAttemptHolds(OfKnownJob):
    """RUNNING -> SCHEDULED: the attempt failed and another one follows at `due_at_ms`, in milliseconds since the epoch.

    This counts as one more failed attempt (`tries`). Refused where a caller asked for cancellation. `began_at_ms` is
    when the attempt's code began; None where it did not begin.
    """

    name: ClassVar[str] = "retry"
    attempt: int
    due_at_ms: int
    failure: JobFailure
    stamp: Stamp
    began_at_ms: int | None = None

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_not_cancelled(job)
        return brought_to(
            _begun(job, self.began_at_ms),
            State.SCHEDULED,
            self.stamp,
            tries=job.tries + 1,
            due_at_ms=self.due_at_ms,
            failure=self.failure,
            lease_expires_at_ms=None,
        )


@dataclass(frozen=True, slots=True)
class HandBackIfAttemptHolds(OfKnownJob):
    """RUNNING -> READY: a worker hands back a job that it can't finish or can't begin.

    Refused where a caller asked for cancellation. A hand-back costs the job neither a retry nor a penalty of rank,
    however often it happens; the job waits anew from then on. The history keeps a bounded number of such rounds.
    `began_at_ms` is when the attempt's code began; None where it did not begin.
    """

    name: ClassVar[str] = "hand back"
    attempt: int
    stamp: Stamp
    began_at_ms: int | None = None

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_not_cancelled(job)
        ready = made_ready(_begun(job, self.began_at_ms), self.stamp)
        return replace(ready, history=without_old_interruptions(ready.history))


@dataclass(frozen=True, slots=True)
class ReadyIfLeaseExpired(OfKnownJob):
    """RUNNING -> READY: the worker was lost, and the job may lose one more.

    Refused where a caller asked for cancellation.
    """

    name: ClassVar[str] = "reclaim"
    attempt: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        self._require_not_cancelled(job)
        return made_ready(_without_worker(job), self.stamp)


@dataclass(frozen=True, slots=True)
class FinishIfLeaseExpired(OfKnownJob):
    """RUNNING -> FAILED or CANCELLED: the worker was lost.

    The job fails where it may lose no more workers. It is cancelled where a caller asked for that.
    """

    name: ClassVar[str] = "give up"
    attempt: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        return ended(_without_worker(job), self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RequestCancelIfRunning(OfKnownJob):
    """Asks the worker of a RUNNING job to stop. The worker learns of it at its next heartbeat.

    A second request changes nothing: the job keeps the time and the caller of the first. Refused for a job outside,
    which has no worker that could stop.
    """

    name: ClassVar[str] = "request cancel"
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.RUNNING)
        self._require_in_worker(job)
        if job.cancel_requested_at_ms is not None:
            return job
        return replace(job, cancel_requested_at_ms=self.stamp.now_ms, cancel_requested_by=self.stamp.actor)


@dataclass(frozen=True, slots=True)
class CancelIfGraceOver(OfKnownJob):
    """RUNNING -> CANCELLED by force: the worker still runs it `grace_ms` (milliseconds) after the request."""

    name: ClassVar[str] = "force cancel"
    grace_ms: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.RUNNING)
        self._require_in_worker(job)
        asked_ms = job.cancel_requested_at_ms
        self._require(
            asked_ms is not None and asked_ms <= self.stamp.now_ms - self.grace_ms,
            job,
            "its grace is not over",
        )
        return ended(job, self.ending, self.stamp)
