"""The transitions of a second attempt, which runs beside the first. Only the one that wins changes the job's state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.job import Job
from tidegate.domain.seats import UNKNOWN_SEAT, Seat
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.transitions.base import Ending, OfKnownJob, Stamp, Transition, TransitionRefused, ended


@dataclass(frozen=True, slots=True)
class _OfSecond(Transition):
    """The base class of the writes to a second attempt that was offered."""

    def _live(self, job: Job, attempt: int) -> SecondAttempt:
        """Returns the second attempt beside `attempt`; raises TransitionRefused where it is over or never was."""
        self._require_attempt(job, attempt)
        second = job.live_second
        if second is None:
            raise TransitionRefused(self.name, job, "it has no second attempt now")
        return second

    def _held(self, job: Job, attempt: int, worker_id: str | None) -> SecondAttempt:
        second = self._live(job, attempt)
        why = f"its second attempt is with {second.worker_id}, not {worker_id}"
        self._require(second.worker_id == worker_id, job, why)
        return second


@dataclass(frozen=True, slots=True)
class OfferSecondIfFirst(OfKnownJob):
    """Offers a second attempt beside the RUNNING attempt `attempt`, if it is the first offer of the job's life.

    Refused where a caller asked for cancellation.
    """

    name: ClassVar[str] = "offer second attempt"
    attempt: int
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require_attempt(job, self.attempt)
        self._require_same_life(job, self.job.reopened)
        self._require_not_cancelled(job)
        self._require(not job.had_second, job, "it has had its second attempt of this life")
        offered = SecondAttempt(beside=self.attempt, life=job.reopened, offered_at_ms=self.stamp.now_ms)
        return replace(job, second=offered)


@dataclass(frozen=True, slots=True)
class ClaimSecondIfOffered(_OfSecond):
    """Gives the second attempt beside the attempt `attempt` to a worker, if no worker has claimed it yet.

    Refused for the worker of the first attempt, and where a caller asked for cancellation. The times are in
    milliseconds since the epoch.
    """

    name: ClassVar[str] = "claim second attempt"
    message_job_id: str
    attempt: int
    worker_id: str
    lease_expires_at_ms: int
    stamp: Stamp
    seat: Seat = UNKNOWN_SEAT

    @property
    def job_id(self) -> str:
        return self.message_job_id

    def apply(self, job: Job) -> Job:
        second = self._live(job, self.attempt)
        self._require(second.worker_id is None, job, "a worker has claimed its second attempt")
        self._require(job.worker_id != self.worker_id, job, "this worker runs its first attempt")
        self._require_not_cancelled(job)
        claimed = replace(
            second,
            worker_id=self.worker_id,
            worker_name=self.seat.name,
            worker_host=self.seat.host,
            claimed_at_ms=self.stamp.now_ms,
            lease_expires_at_ms=self.lease_expires_at_ms,
            logs=self.stamp.logs,
        )
        return replace(job, second=claimed)


@dataclass(frozen=True, slots=True)
class HeartbeatSecondIfHolds(OfKnownJob, _OfSecond):
    """Extends the lease of the second attempt that `worker_id` runs beside the attempt `attempt`.

    The Job that comes back says whether a caller asked for cancellation.
    """

    name: ClassVar[str] = "heartbeat of second attempt"
    attempt: int
    worker_id: str
    lease_expires_at_ms: int

    def apply(self, job: Job) -> Job:
        second = self._held(job, self.attempt, self.worker_id)
        return replace(job, second=replace(second, lease_expires_at_ms=self.lease_expires_at_ms))


@dataclass(frozen=True, slots=True)
class FinishSecondIfHolds(OfKnownJob, _OfSecond):
    """RUNNING -> SUCCEEDED: the second attempt that `worker_id` runs succeeded before the first attempt ended.

    The job's worker is then that of the second attempt.
    """

    name: ClassVar[str] = "finish second attempt"
    attempt: int
    worker_id: str
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._held(job, self.attempt, self.worker_id)
        return ended(won(job), self.ending, self.stamp)


def won(job: Job) -> Job:
    """Returns the job with its second attempt as the one that counts, unchanged where it has none."""
    second = job.second
    if second is None:
        return job
    return replace(
        job,
        second=replace(second, end=SecondEnd.WON),
        worker_id=second.worker_id,
        worker_name=second.worker_name,
        worker_host=second.worker_host,
    )


@dataclass(frozen=True, slots=True)
class EndSecondIfHolds(OfKnownJob, _OfSecond):
    """Ends the second attempt beside the attempt `attempt` without an outcome for the job, which goes on.

    `worker_id` is its worker, None where none has claimed it. `ended_at_ms` is the time of the end, in milliseconds
    since the epoch. Where `expired_at_ms` is given, its lease must have ended before that.
    """

    name: ClassVar[str] = "end second attempt"
    attempt: int
    worker_id: str | None
    end: SecondEnd
    ended_at_ms: int
    expired_at_ms: int | None = None

    def apply(self, job: Job) -> Job:
        second = self._held(job, self.attempt, self.worker_id)
        if self.expired_at_ms is not None:
            lease_ms = second.lease_expires_at_ms
            self._require(
                lease_ms is not None and lease_ms < self.expired_at_ms, job, "its lease has not ended"
            )
        return replace(job, second=replace(second, end=self.end, ended_at_ms=self.ended_at_ms))
