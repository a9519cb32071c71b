"""Transitions of jobs that do not run yet."""

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
    ended,
    made_ready,
    moved,
)

CANCELLABLE_AT_ONCE = frozenset({State.PENDING, State.SCHEDULED, State.READY, State.QUEUED})


@dataclass(frozen=True, slots=True)
class ReleaseIfPending(OfKnownJob):
    """Takes satisfied dependencies off `waiting_on`; taking one off twice changes nothing.

    What was found out of a job's upstreams is no good once the job was reopened: this and the two below are refused.
    """

    name: ClassVar[str] = "release"
    ordinals: Set[int]

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        self._require_same_life(job, self.job.reopened)
        return replace(job, waiting_on=job.waiting_on - self.ordinals)


@dataclass(frozen=True, slots=True)
class ReadyIfWaitingOnlyOn(OfKnownJob):
    """PENDING -> READY, or SCHEDULED when it may not start yet, if exactly `ordinals` are still waited for.

    `pool` is the one that was chosen for the job; None keeps the one it has.
    """

    name: ClassVar[str] = "ready"
    ordinals: Set[int]
    stamp: Stamp
    pool: str | None = None

    @property
    def is_early(self) -> bool:
        """Whether the job's `not_before` still lies ahead."""
        return self.job.not_before_ms is not None and self.job.not_before_ms > self.stamp.now_ms

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.PENDING)
        self._require_same_life(job, self.job.reopened)
        self._require(job.waiting_on == self.ordinals, job, f"it waits on {sorted(job.waiting_on)}")
        if self.is_early:
            return moved(
                job, State.SCHEDULED, self.stamp, waiting_on=frozenset(), due_at_ms=job.not_before_ms
            )
        return made_ready(job, self.stamp, self.pool)


@dataclass(frozen=True, slots=True)
class SkipIfPending(OfKnownJob):
    """PENDING -> SKIPPED: the dependency `ordinal`, which is still waited for, can never be satisfied.

    One that was tried again may have satisfied it since that was found out.
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
    """SCHEDULED -> READY once its time has come; in `pool`, if one was chosen."""

    name: ClassVar[str] = "ready"
    stamp: Stamp
    pool: str | None = None

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.SCHEDULED)
        self._require(
            job.due_at_ms is not None and job.due_at_ms <= self.stamp.now_ms, job, "its time has not come"
        )
        return made_ready(job, self.stamp, self.pool)


@dataclass(frozen=True, slots=True)
class DispatchIfReady(Transition):
    """READY -> QUEUED in the pool that the index showed; the message is sent after this has been written.

    `ready_at_ms` is since when the index showed the job to be READY: an earlier attempt's permits are no good for this
    one. None is since whenever.
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
        """The stamp, or when the job became READY where that is later: another clock made that."""
        return replace(self.stamp, now_ms=max(self.stamp.now_ms, self.ready_at_ms or 0))

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.READY)
        self._require(job.pool == self.pool, job, f"it is in pool {job.pool}, not {self.pool}")
        as_shown = self.ready_at_ms in (None, job.ready_at_ms)
        self._require(as_shown, job, f"it is READY since {job.ready_at_ms}, not since {self.ready_at_ms}")
        at = after_latest(job, self.at)
        now_ms = at.now_ms
        return moved(job, State.QUEUED, at, queued_at_ms=now_ms, sent_at_ms=now_ms, held_in=MAIN)


@dataclass(frozen=True, slots=True)
class HoldIfReady(Transition):
    """Moves a READY job, which stays READY, to the lane of what it has to wait for. Its rank stays as it is."""

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
    """A READY job, as it was read, counts as READY a millisecond later.

    Whoever is about to dispatch it as it was can't any more, so what it took for that can be taken from it.
    """

    name: ClassVar[str] = "pass over"

    @property
    def ready_at_ms(self) -> int:
        """Since when the job is READY afterwards, in milliseconds since the epoch."""
        return (self.job.ready_at_ms or 0) + 1

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.READY)
        self._require(job.ready_at_ms == self.job.ready_at_ms, job, "it became READY again since it was read")
        return replace(job, ready_at_ms=self.ready_at_ms)


@dataclass(frozen=True, slots=True)
class ResendIfStillQueued(OfKnownJob):
    """Notes that the message of a QUEUED job goes out again; refused if that was done since `sent_at_ms`."""

    name: ClassVar[str] = "resend"
    sent_at_ms: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_state(job, State.QUEUED)
        self._require(job.sent_at_ms == self.sent_at_ms, job, "it was sent again meanwhile")
        return replace(job, sent_at_ms=self.stamp.now_ms)


@dataclass(frozen=True, slots=True)
class FailIfStillQueued(OfKnownJob):
    """QUEUED -> FAILED: its message was delivered again and again, and nobody ever claimed the job.

    `attempt` and `reopened` are what the message carries: one of an earlier life, or of before an earlier claim, says
    nothing of the present dispatch.
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
    """QUEUED -> READY: no worker claimed the job, so it is dispatched anew. It costs no try: no code began.

    The history keeps a bounded number of such dispatches.
    `attempt` and `reopened` are what the message carries, as in FailIfStillQueued. `pool` is one that was chosen for
    the job; None keeps the one it has.
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
    """PENDING, SCHEDULED, READY or QUEUED -> CANCELLED, if the job is still as it was read, but for its lane."""

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
    """Notes on an upstream that the Dependents table holds edges to later submissions' jobs.

    Also on one that has ended: the reaper then knows that others may need it.
    """

    name: ClassVar[str] = "note dependents"
    upstream_id: str
    watch_start: bool

    @property
    def job_id(self) -> str:
        return self.upstream_id

    def apply(self, job: Job) -> Job:
        return replace(job, dependents_apart=True, watch_start=job.watch_start or self.watch_start)
