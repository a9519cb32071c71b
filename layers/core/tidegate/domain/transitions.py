"""Every move of a job: one class per transition, its condition in its name.

A transition is a value, so that stores may carry out one or many. `apply` is the rule itself, from one Job to the
next; it raises TransitionRefused where the condition does not hold. The in-memory store calls `apply`; the DynamoDB
store says the same as one conditional write; one contract suite holds both to it.

Fields named `job` hold the job as it was last read: only what never changes (id, pool, priority, not_before, retry)
is taken from it, everything that can change is checked by the condition.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tidegate.domain.errors import TransitionRefused
from tidegate.domain.job import HistoryEntry, Job, JobFailure, Json, Progress
from tidegate.domain.states import TERMINAL, TRANSITIONS, State

CANCELLABLE_AT_ONCE = frozenset({State.PENDING, State.SCHEDULED, State.READY, State.QUEUED})


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who moves a job, when (milliseconds since the epoch), and why if that is not plain."""

    now_ms: int
    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended for good: a terminal state with its result or its failure.

    `result_apart` says that the result was stored in the Payloads table beforehand. `expires_at_s` is when the job
    may be removed, in seconds since the epoch; None keeps it.
    """

    state: State
    result: Json = None
    failure: JobFailure | None = None
    expires_at_s: int | None = None
    result_apart: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """What all transitions share. `name` is how errors and logs call it."""

    name: ClassVar[str]

    @property
    def job_id(self) -> str:
        """The job that is to move."""
        raise NotImplementedError  # every transition below says it

    def apply(self, job: Job) -> Job:
        """The job after the transition; raises TransitionRefused where the condition does not hold."""
        raise NotImplementedError  # every transition below says it

    def _require(self, holds: bool, job: Job, why: str) -> None:
        if not holds:
            raise TransitionRefused(self.name, job, why)

    def _require_state(self, job: Job, state: State) -> None:
        self._require(job.state is state, job, f"it is {job.state}, not {state}")

    def _require_attempt(self, job: Job, attempt: int) -> None:
        holds = job.state is State.RUNNING and job.attempt == attempt
        self._require(
            holds, job, f"it is {job.state} at attempt {job.attempt}, the write is for attempt {attempt}"
        )

    def _require_not_cancelled(self, job: Job) -> None:
        self._require(job.cancel_requested_at_ms is None, job, "cancellation was asked for")

    def _require_lease_expired(self, job: Job, attempt: int, now_ms: int) -> None:
        self._require_attempt(job, attempt)
        self._require(
            job.lease_expires_at_ms is not None and job.lease_expires_at_ms < now_ms, job, "its lease stands"
        )


def _moved(job: Job, to: State, stamp: Stamp, **changes: Any) -> Job:
    assert to in TRANSITIONS[job.state], f"{job.state} -> {to} is not in the transition table"
    entry = HistoryEntry(stamp.now_ms, to, changes.get("attempt", job.attempt), stamp.actor, stamp.reason)
    return replace(job, state=to, history=(*job.history, entry), **changes)


def _ready(job: Job, stamp: Stamp) -> Job:
    return _moved(
        job,
        State.READY,
        stamp,
        ready_at_ms=stamp.now_ms,
        due_at_ms=None,
        lease_expires_at_ms=None,
        waiting_on=frozenset(),
    )


def _ended(job: Job, ending: Ending, stamp: Stamp) -> Job:
    assert ending.state in TERMINAL
    return _moved(
        job,
        ending.state,
        stamp,
        result=ending.result,
        result_apart=ending.result_apart,
        failure=ending.failure,
        finished_at_ms=stamp.now_ms,
        lease_expires_at_ms=None,
        due_at_ms=None,
        waiting_on=frozenset(),
        expires_at_s=ending.expires_at_s,
    )


@dataclass(frozen=True, slots=True)
class _OfKnownJob(Transition):
    job: Job

    @property
    def job_id(self) -> str:
        return self.job.job_id


@dataclass(frozen=True, slots=True)
class ReleaseIfPending(_OfKnownJob):
    """Takes satisfied dependencies off `waiting_on`; taking one off twice changes nothing."""

    name: ClassVar[str] = "release"
    ordinals: Set[int]

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        return replace(job, waiting_on=job.waiting_on - self.ordinals)


@dataclass(frozen=True, slots=True)
class ReadyIfWaitingOnlyOn(_OfKnownJob):
    """PENDING -> READY, or SCHEDULED when it may not start yet, if exactly `ordinals` are still waited for."""

    name: ClassVar[str] = "ready"
    ordinals: Set[int]
    stamp: Stamp

    @property
    def is_early(self) -> bool:
        """Whether the job's `not_before` still lies ahead."""
        return self.job.not_before_ms is not None and self.job.not_before_ms > self.stamp.now_ms

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        self._require(job.waiting_on == self.ordinals, job, f"it waits on {sorted(job.waiting_on)}")
        if self.is_early:
            return _moved(
                job, State.SCHEDULED, self.stamp, waiting_on=frozenset(), due_at_ms=job.not_before_ms
            )
        return _ready(job, self.stamp)


@dataclass(frozen=True, slots=True)
class SkipIfPending(_OfKnownJob):
    """PENDING -> SKIPPED: a dependency can never be satisfied."""

    name: ClassVar[str] = "skip"
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        return _ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class ReadyIfDue(_OfKnownJob):
    """SCHEDULED -> READY once its time has come."""

    name: ClassVar[str] = "ready"
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.SCHEDULED)
        self._require(
            job.due_at_ms is not None and job.due_at_ms <= self.stamp.now_ms, job, "its time has not come"
        )
        return _ready(job, self.stamp)


@dataclass(frozen=True, slots=True)
class DispatchIfReady(Transition):
    """READY -> QUEUED; the message is sent after this has been written."""

    name: ClassVar[str] = "dispatch"
    candidate_id: str
    pool: str
    stamp: Stamp

    @property
    def job_id(self) -> str:
        return self.candidate_id

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.READY)
        return _moved(
            job, State.QUEUED, self.stamp, queued_at_ms=self.stamp.now_ms, sent_at_ms=self.stamp.now_ms
        )


@dataclass(frozen=True, slots=True)
class ResendIfStillQueued(_OfKnownJob):
    """Notes that the message of a QUEUED job goes out again; refused if that was done since `sent_at_ms`."""

    name: ClassVar[str] = "resend"
    sent_at_ms: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.QUEUED)
        self._require(job.sent_at_ms == self.sent_at_ms, job, "it was sent again meanwhile")
        return replace(job, sent_at_ms=self.stamp.now_ms)


@dataclass(frozen=True, slots=True)
class ClaimIfQueued(Transition):
    """QUEUED -> RUNNING under the next attempt; also RUNNING -> RUNNING where this message's own claim lost its lease.

    `attempt` is what the message carries: the number of claims before this one.
    """

    name: ClassVar[str] = "claim"
    message_job_id: str
    attempt: int
    worker_id: str
    lease_expires_at_ms: int
    stamp: Stamp

    @property
    def job_id(self) -> str:
        return self.message_job_id

    def apply(self, job: Job) -> Job:
        queued = job.state is State.QUEUED and job.attempt == self.attempt
        orphaned = (
            job.state is State.RUNNING
            and job.attempt == self.attempt + 1
            and job.attempt < job.retry.max_attempts
            and job.lease_expires_at_ms is not None
            and job.lease_expires_at_ms < self.stamp.now_ms
            and job.cancel_requested_at_ms is None
        )
        self._require(queued or orphaned, job, f"it is {job.state} at attempt {job.attempt}")
        return _moved(
            job,
            State.RUNNING,
            self.stamp,
            attempt=job.attempt + 1,
            worker_id=self.worker_id,
            lease_expires_at_ms=self.lease_expires_at_ms,
            started_at_ms=self.stamp.now_ms,
            progress=None,
        )


@dataclass(frozen=True, slots=True)
class HeartbeatIfAttemptHolds(_OfKnownJob):
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
class FinishIfAttemptHolds(_OfKnownJob):
    """RUNNING -> a terminal state, by the worker that holds this attempt."""

    name: ClassVar[str] = "finish"
    attempt: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        return _ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RetryIfAttemptHolds(_OfKnownJob):
    """RUNNING -> SCHEDULED: the attempt failed, another follows at `due_at_ms`; not if cancellation was asked for."""

    name: ClassVar[str] = "retry"
    attempt: int
    due_at_ms: int
    failure: JobFailure
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_not_cancelled(job)
        return _moved(
            job,
            State.SCHEDULED,
            self.stamp,
            due_at_ms=self.due_at_ms,
            failure=self.failure,
            lease_expires_at_ms=None,
        )


@dataclass(frozen=True, slots=True)
class HandBackIfAttemptHolds(_OfKnownJob):
    """RUNNING -> READY: a worker that shuts down gives up what it can't finish, unless cancellation was asked for."""

    name: ClassVar[str] = "hand back"
    attempt: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_not_cancelled(job)
        return _ready(job, self.stamp)


@dataclass(frozen=True, slots=True)
class ReadyIfLeaseExpired(_OfKnownJob):
    """RUNNING -> READY: the worker was lost and attempts are left, unless cancellation was asked for."""

    name: ClassVar[str] = "reclaim"
    attempt: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        self._require_not_cancelled(job)
        return _ready(job, self.stamp)


@dataclass(frozen=True, slots=True)
class FinishIfLeaseExpired(_OfKnownJob):
    """RUNNING -> FAILED or CANCELLED: the worker was lost and no attempt is left, or cancellation was asked for."""

    name: ClassVar[str] = "give up"
    attempt: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_lease_expired(job, self.attempt, self.stamp.now_ms)
        return _ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class CancelIfInState(_OfKnownJob):
    """PENDING, SCHEDULED, READY or QUEUED -> CANCELLED, if the job is still in the state it was read in."""

    name: ClassVar[str] = "cancel"
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require(job.state in CANCELLABLE_AT_ONCE, job, f"it is {job.state}")
        self._require_state(job, self.job.state)
        return _ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RequestCancelIfRunning(_OfKnownJob):
    """Asks the worker of a RUNNING job to stop, which it learns at its next heartbeat. The first request stays."""

    name: ClassVar[str] = "request cancel"
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.RUNNING)
        if job.cancel_requested_at_ms is not None:
            return job
        return replace(job, cancel_requested_at_ms=self.stamp.now_ms)


@dataclass(frozen=True, slots=True)
class CancelIfGraceOver(_OfKnownJob):
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
        return _ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class NoteDependentsIfOpen(Transition):
    """Notes on an unfinished upstream that the Dependents table holds edges to later submissions' jobs."""

    name: ClassVar[str] = "note dependents"
    upstream_id: str
    watch_start: bool

    @property
    def job_id(self) -> str:
        return self.upstream_id

    def apply(self, job: Job) -> Job:
        self._require(job.state not in TERMINAL, job, f"it has ended as {job.state}")
        return replace(job, dependents_apart=True, watch_start=job.watch_start or self.watch_start)
