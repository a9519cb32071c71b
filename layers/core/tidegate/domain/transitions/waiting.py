"""The transitions of jobs that do not run yet."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.dispatches import without_old_dispatches
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN
from tidegate.domain.states import State
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

CANCELLABLE_AT_ONCE = frozenset({State.PENDING, State.SCHEDULED, State.READY, State.QUEUED})


@dataclass(frozen=True, slots=True)
class ReleaseIfPending(OfKnownJob):
    """Takes satisfied dependencies off `waiting_on`. Taking one off twice changes nothing.

    `ordinals` are places in `depends_on`. A verdict on the upstreams is worth nothing once the job was reopened. So
    this transition, ReadyIfWaitingOnlyOn and SkipIfPending are then refused.
    """

    name: ClassVar[str] = "release"
    ordinals: Set[int]

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        self._require_same_life(job, self.job.reopened)
        return replace(job, waiting_on=job.waiting_on - self.ordinals)


@dataclass(frozen=True, slots=True)
class ReadyIfWaitingOnlyOn(OfKnownJob):
    """PENDING -> READY, or SCHEDULED where the job may not start yet, if it still waits for exactly `ordinals`.

    A job that is on hold, or whose `not_before` is to come, may not start yet. `pool` is the pool that was chosen for
    the job; None keeps its present one.
    """

    name: ClassVar[str] = "ready"
    ordinals: Set[int]
    stamp: Stamp
    pool: str | None = None

    @property
    def due_at_ms(self) -> int | None:
        """Returns from when on the job, as it was read, may start, in milliseconds since the epoch.

        None where it becomes READY.
        """
        return self._due_at_ms(self.job)

    def _due_at_ms(self, job: Job) -> int | None:
        if job.not_before_ms is not None and job.not_before_ms > self.stamp.now_ms:
            return job.not_before_ms
        return after_latest(job, self.stamp).now_ms if job.on_hold else None

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        self._require_same_life(job, self.job.reopened)
        self._require(job.waiting_on == self.ordinals, job, f"it waits on {sorted(job.waiting_on)}")
        due_at_ms = self._due_at_ms(job)
        if due_at_ms is not None:
            return brought_to(job, State.SCHEDULED, self.stamp, waiting_on=frozenset(), due_at_ms=due_at_ms)
        return made_ready(job, self.stamp, self.pool)


@dataclass(frozen=True, slots=True)
class SkipIfPending(OfKnownJob):
    """PENDING -> SKIPPED: the job still waits for the dependency `ordinal`, which is unsatisfiable.

    Refused where the job no longer waits for it: an upstream that was reopened may have satisfied it since.
    """

    name: ClassVar[str] = "skip"
    ordinal: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        self._require_same_life(job, self.job.reopened)
        self._require(self.ordinal in job.waiting_on, job, f"it waits on {sorted(job.waiting_on)}")
        return ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class ReadyIfDue(OfKnownJob):
    """SCHEDULED -> READY once the job's time has come, in `pool` where one was chosen. Refused while it is on hold."""

    name: ClassVar[str] = "ready"
    stamp: Stamp
    pool: str | None = None

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.SCHEDULED)
        self._require(
            job.due_at_ms is not None and job.due_at_ms <= self.stamp.now_ms, job, "its time has not come"
        )
        self._require(not job.on_hold, job, "it is on hold")
        return made_ready(job, self.stamp, self.pool)


@dataclass(frozen=True, slots=True)
class DispatchIfReady(Transition):
    """READY -> QUEUED in the pool that the index showed. The message is sent after this write.

    `ready_at_ms` is the job's `ready_at_ms` as the index showed it. A permit is good for one attempt, and each attempt
    has a later `ready_at_ms`. So the write is refused where the job's own differs. None skips this check.
    """

    name: ClassVar[str] = "dispatch"
    candidate_id: str
    pool: str
    stamp: Stamp
    ready_at_ms: int | None = None

    @property
    def job_id(self) -> str:
        return self.candidate_id

    @property
    def at(self) -> Stamp:
        """Returns the stamp, with the job's `ready_at_ms` where that is later because another clock dated it."""
        return replace(self.stamp, now_ms=max(self.stamp.now_ms, self.ready_at_ms or 0))

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.READY)
        self._require(job.pool == self.pool, job, f"it is in pool {job.pool}, not {self.pool}")
        as_shown = self.ready_at_ms in (None, job.ready_at_ms)
        self._require(as_shown, job, f"it is READY since {job.ready_at_ms}, not since {self.ready_at_ms}")
        at = after_latest(job, self.at)
        now_ms = at.now_ms
        return brought_to(job, State.QUEUED, at, queued_at_ms=now_ms, sent_at_ms=now_ms, held_in=MAIN)


@dataclass(frozen=True, slots=True)
class HoldIfReady(Transition):
    """Puts a READY job into the lane of the concurrency key or the type that it has to wait for.

    The job stays READY and keeps its rank.
    """

    name: ClassVar[str] = "hold"
    candidate_id: str
    pool: str
    lane: str

    @property
    def job_id(self) -> str:
        return self.candidate_id

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.READY)
        self._require(job.pool == self.pool, job, f"it is in pool {job.pool}, not {self.pool}")
        return replace(job, held_in=self.lane)


@dataclass(frozen=True, slots=True)
class PassOverIfReady(OfKnownJob):
    """Counts a READY job as READY one millisecond later, if it is still as it was read.

    A slow dispatcher that still holds the old version can no longer dispatch the job, so its permits can be freed
    safely.
    """

    name: ClassVar[str] = "pass over"

    @property
    def ready_at_ms(self) -> int:
        """Returns the job's new `ready_at_ms`, in milliseconds since the epoch."""
        return (self.job.ready_at_ms or 0) + 1

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.READY)
        self._require(job.ready_at_ms == self.job.ready_at_ms, job, "it became READY again since it was read")
        return replace(job, ready_at_ms=self.ready_at_ms)


@dataclass(frozen=True, slots=True)
class ResendIfStillQueued(OfKnownJob):
    """Notes that the message of a QUEUED job is sent again. Refused where it was sent again since `sent_at_ms`."""

    name: ClassVar[str] = "resend"
    sent_at_ms: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.QUEUED)
        self._require(job.sent_at_ms == self.sent_at_ms, job, "it was sent again meanwhile")
        return replace(job, sent_at_ms=self.stamp.now_ms)


@dataclass(frozen=True, slots=True)
class FailIfStillQueued(OfKnownJob):
    """QUEUED -> FAILED: the queue delivered the job's message again and again, and no worker ever claimed the job.

    `attempt` and `reopened` come from the message. A message of an earlier life, or from before an earlier claim, says
    nothing of the present dispatch, so it is refused.
    """

    name: ClassVar[str] = "give up"
    attempt: int
    reopened: int
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.QUEUED)
        self._require(
            job.attempt == self.attempt, job, f"it was claimed {job.attempt} times, not {self.attempt}"
        )
        self._require_same_life(job, self.reopened)
        self._require_ready_since(job, self.job.ready_at_ms)
        return ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class TakeBackIfStillQueued(OfKnownJob):
    """QUEUED -> READY: no worker claimed the job, so it is dispatched again.

    It costs the job no retry, because no code began. The history keeps a bounded number of such dispatches. `attempt`
    and `reopened` come from the message, as in FailIfStillQueued. `pool` is the pool that was chosen for the job; None
    keeps its present one.
    """

    name: ClassVar[str] = "take back"
    attempt: int
    reopened: int
    stamp: Stamp
    pool: str | None = None

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.QUEUED)
        self._require(
            job.attempt == self.attempt, job, f"it was claimed {job.attempt} times, not {self.attempt}"
        )
        self._require_same_life(job, self.reopened)
        self._require_ready_since(job, self.job.ready_at_ms)
        ready = made_ready(job, self.stamp, self.pool)
        return replace(ready, history=without_old_dispatches(ready.history))


@dataclass(frozen=True, slots=True)
class CancelIfInState(OfKnownJob):
    """PENDING, SCHEDULED, READY or QUEUED -> CANCELLED, if the job is still as it was read.

    The job may have changed its lane meanwhile.
    """

    name: ClassVar[str] = "cancel"
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require(job.state in CANCELLABLE_AT_ONCE, job, f"it is {job.state}")
        self._require_state(job, self.job.state)
        self._require_same_life(job, self.job.reopened)
        self._require_ready_since(job, self.job.ready_at_ms)
        return ended(job, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class NoteDependents(Transition):
    """Notes on an upstream that the Dependents table holds edges from it to jobs of later submissions.

    `watch_start` says that one of these edges is of type MUST_START. An upstream that has ended gets the note too: it
    tells the reaper that other jobs may still need it.
    """

    name: ClassVar[str] = "note dependents"
    upstream_id: str
    watch_start: bool

    @property
    def job_id(self) -> str:
        return self.upstream_id

    def apply(self, job: Job) -> Job:
        return replace(job, dependents_overflow=True, watch_start=job.watch_start or self.watch_start)
