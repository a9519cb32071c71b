"""The transitions of an attempt that was handed over, and the one that hands it over. The job is RUNNING until its end.

The writes from outside have a fence of their own: the attempt and the digest of its token. The writes of a worker are
refused for a job outside, also those of the worker that handed it over (`Transition._require_attempt`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.job import Job, JobFailure, Progress
from tidegate.domain.outside import Outside
from tidegate.domain.states import FAILURES, State
from tidegate.domain.transitions.base import Ending, OfKnownJob, Stamp, TransitionRefused, brought_to, ended


@dataclass(frozen=True, slots=True)
class HandOverIfAttemptHolds(OfKnownJob):
    """RUNNING in its worker -> RUNNING outside: the worker's slot is free, the attempt goes on.

    Refused where a caller asked for cancellation, and for a job that may have a second attempt beside this one.
    `began_at_ms` is when the attempt's code began, None where no start of it is known. `progress` replaces the job's,
    None keeps it.
    """

    name: ClassVar[str] = "hand over"
    attempt: int
    outside: Outside
    progress: Progress | None = None
    began_at_ms: int | None = None

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_not_cancelled(job)
        self._require(not self.job.may_run_twice, job, "its type may run twice at once")
        return replace(
            job,
            outside=self.outside,
            lease_expires_at_ms=self.outside.lease_until_ms(self.outside.since_ms),
            progress=self.progress or job.progress,
            began_at_ms=job.began_at_ms if self.began_at_ms is None else self.began_at_ms,
        )


@dataclass(frozen=True, slots=True)
class _OfJobOutside(OfKnownJob):
    """The base class of the transitions of a job outside. `outside` is the hand-over that must still hold."""

    outside: Outside

    def _held(self, job: Job) -> Outside:
        """Returns the hand-over as it is now; raises TransitionRefused where it is over, or is another one."""
        now, asked = job.outside, self.outside
        if now is None or not job.is_outside or (now.attempt, now.digest) != (asked.attempt, asked.digest):
            why = f"it is {job.state} at attempt {job.attempt}, and not outside by this token"
            raise TransitionRefused(self.name, job, why)
        return now

    def _expired(self, job: Job, now_ms: int) -> Outside:
        outside, expires_at_ms = self._held(job), job.lease_expires_at_ms
        self._require(
            expires_at_ms is not None and expires_at_ms < now_ms, job, "its lease outside has not ended"
        )
        return outside


def _retried(job: Job, outside: Outside, due_at_ms: int, failure: JobFailure, stamp: Stamp) -> Job:
    return brought_to(
        job,
        State.SCHEDULED,
        stamp,
        tries=job.tries + 1,
        due_at_ms=due_at_ms,
        failure=failure,
        lease_expires_at_ms=None,
        outside=outside.over(),
    )


def _finished(job: Job, outside: Outside, ending: Ending, stamp: Stamp) -> Job:
    tried = job.tries + (ending.state in FAILURES)
    return ended(replace(job, tries=tried, outside=outside.over()), ending, stamp)


@dataclass(frozen=True, slots=True)
class HeartbeatIfOutside(_OfJobOutside):
    """Extends the lease of a job outside until `lease_expires_at_ms`, in milliseconds since the epoch.

    `progress` replaces the job's, None keeps it.
    """

    name: ClassVar[str] = "heartbeat from outside"
    lease_expires_at_ms: int
    progress: Progress | None = None

    def apply(self, job: Job) -> Job:
        outside = self._held(job)
        return replace(
            job,
            outside=replace(outside, beats=outside.beats + 1),
            lease_expires_at_ms=self.lease_expires_at_ms,
            progress=self.progress or job.progress,
        )


@dataclass(frozen=True, slots=True)
class FinishIfOutside(_OfJobOutside):
    """RUNNING outside -> a terminal state, by the outside or by a caller. FAILED counts as one more failed attempt."""

    name: ClassVar[str] = "finish from outside"
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        return _finished(job, self._held(job), self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RetryIfOutside(_OfJobOutside):
    """RUNNING outside -> SCHEDULED: it failed outside, and another attempt follows at `due_at_ms`."""

    name: ClassVar[str] = "retry from outside"
    due_at_ms: int
    failure: JobFailure
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        outside = self._held(job)
        return _retried(job, outside, self.due_at_ms, self.failure, self.stamp)


@dataclass(frozen=True, slots=True)
class FinishIfOutsideExpired(_OfJobOutside):
    """RUNNING outside -> FAILED or TIMED_OUT: its lease ran out, and no attempt follows."""

    name: ClassVar[str] = "give up outside"
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        outside = self._expired(job, self.stamp.now_ms)
        return _finished(job, outside, self.ending, self.stamp)


@dataclass(frozen=True, slots=True)
class RetryIfOutsideExpired(_OfJobOutside):
    """RUNNING outside -> SCHEDULED: its lease ran out, and another attempt follows at `due_at_ms`."""

    name: ClassVar[str] = "take back from outside"
    due_at_ms: int
    failure: JobFailure
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        outside = self._expired(job, self.stamp.now_ms)
        return _retried(job, outside, self.due_at_ms, self.failure, self.stamp)
