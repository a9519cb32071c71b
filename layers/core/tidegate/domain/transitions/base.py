"""The base of all transitions, and the helpers that they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tidegate.domain.errors import TidegateError
from tidegate.domain.job import HistoryEntry, Job, JobFailure, Json
from tidegate.domain.lanes import MAIN
from tidegate.domain.logs import LogPlace
from tidegate.domain.states import TERMINAL, TRANSITIONS, State


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time of a transition in milliseconds since the epoch, its actor, and its reason.

    `reason` is empty where the transition needs no explanation. `logs` is where the lines of the attempt go that the
    transition begins.
    """

    now_ms: int
    actor: str
    reason: str = ""
    logs: LogPlace | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """A job's final state, with its result or its failure.

    `result_overflow` says that the result was stored in the Payloads table beforehand. `expires_at_s` is when the job
    may be removed, in seconds since the epoch; None keeps it. `began_at_ms` is when the attempt's code began, in
    milliseconds since the epoch; None where no start of it is known.
    """

    state: State
    result: Json = None
    failure: JobFailure | None = None
    expires_at_s: int | None = None
    result_overflow: bool = False
    began_at_ms: int | None = None


class TransitionRefused(TidegateError):
    """The error for a transition whose condition does not hold. `job` is the job as the conditional write found it."""

    code = "transition-refused"

    def __init__(self, transition: str, job: Job, why: str) -> None:
        self.transition = transition
        self.job = job
        self.why = why
        super().__init__(f"{transition} refused for job {job.job_id}: {why}")


@dataclass(frozen=True, slots=True)
class Transition(ABC):
    """The base class of all transitions. `name` stands for the transition in errors and logs."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def job_id(self) -> str:
        """Returns the id of the job that the transition changes."""

    @abstractmethod
    def apply(self, job: Job) -> Job:
        """Returns the job after the transition. Raises TransitionRefused where the condition does not hold."""

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

    def _require_same_life(self, job: Job, reopened: int) -> None:
        self._require(
            job.reopened == reopened, job, f"it was reopened {job.reopened} times by now, not {reopened}"
        )

    def _require_ready_since(self, job: Job, ready_at_ms: int | None) -> None:
        """Refuses where the job became READY again after it was read, so that the history that was read is old."""
        self._require(
            job.ready_at_ms == ready_at_ms,
            job,
            f"it is READY since {job.ready_at_ms}, not since {ready_at_ms}",
        )

    def _require_lease_expired(self, job: Job, attempt: int, now_ms: int) -> None:
        self._require_attempt(job, attempt)
        self._require(
            job.lease_expires_at_ms is not None and job.lease_expires_at_ms < now_ms,
            job,
            "its lease has not ended",
        )


def after_latest(job: Job, stamp: Stamp) -> Stamp:
    """Returns the stamp, or a copy with the time of the job's latest step where that is later.

    Another process with a faster clock may have dated that step.
    """
    latest_ms = job.history[-1].at_ms if job.history else 0
    return stamp if stamp.now_ms >= latest_ms else replace(stamp, now_ms=latest_ms)


def ending_after_latest(job: Job, ending: Ending, stamp: Stamp) -> tuple[Ending, Stamp]:
    """Returns the ending and the stamp, both dated like `after_latest` does, and later than the job's earlier ends.

    So the time of an end tells the ends of a job apart. `expires_at_s` moves by the same number of seconds, so that the
    retention counts from the new time.
    """
    dated = after_latest(job, stamp)
    ends_ms = [entry.at_ms for entry in job.history if entry.state in TERMINAL]
    if ends_ms and dated.now_ms <= ends_ms[-1]:
        dated = replace(dated, now_ms=ends_ms[-1] + 1)
    if ending.expires_at_s is None:
        return ending, dated
    later_s = dated.now_ms // 1_000 - stamp.now_ms // 1_000
    return replace(ending, expires_at_s=ending.expires_at_s + later_s), dated


def brought_to(job: Job, to: State, stamp: Stamp, **changes: Any) -> Job:
    """Returns the job in state `to`, with `changes` to its fields and one more entry in its history.

    The entry has the time of the stamp, or of the job's latest step where that is later.
    """
    # An assertion, because no input can cause this; only a mistake in the program can.
    assert to in TRANSITIONS[job.state], f"{job.state} -> {to} is not in the table"  # nosec B101
    stamp = after_latest(job, stamp)
    attempt = changes.get("attempt", job.attempt)
    entry = HistoryEntry(stamp.now_ms, to, attempt, stamp.actor, stamp.reason, stamp.logs)
    return replace(job, state=to, history=(*job.history, entry), **changes)


def next_ready_at_ms(job: Job, now_ms: int) -> int:
    """Returns the `ready_at_ms` of a job that becomes READY at `now_ms`, both in milliseconds since the epoch.

    The value is later each time, whatever the clocks of the actors say, so that it tells the attempts of a job apart.
    """
    return max(now_ms, (job.ready_at_ms or 0) + 1)


def when_ready(job: Job, stamp: Stamp) -> Stamp:
    """Returns the stamp with the time that `next_ready_at_ms` gives for the job."""
    return replace(stamp, now_ms=next_ready_at_ms(job, after_latest(job, stamp).now_ms))


def made_ready(job: Job, stamp: Stamp, pool: str | None = None) -> Job:
    """Returns the job READY from the stamp's time on, without the fields of its earlier wait or attempt.

    The job is in `pool`, or in its present pool where `pool` is None.
    """
    stamp = when_ready(job, stamp)
    return brought_to(
        job,
        State.READY,
        stamp,
        pool=pool or job.pool,
        ready_at_ms=stamp.now_ms,
        due_at_ms=None,
        lease_expires_at_ms=None,
        waiting_on=frozenset(),
    )


def ended(job: Job, ending: Ending, stamp: Stamp) -> Job:
    """Returns the job after its end: in its final state with its result or failure, and no longer held in a lane."""
    assert ending.state in TERMINAL  # only a mistake in the program can break it  # nosec B101
    ending, stamp = ending_after_latest(job, ending, stamp)
    return brought_to(
        job,
        ending.state,
        stamp,
        result=ending.result,
        result_overflow=ending.result_overflow,
        failure=ending.failure,
        started_at_ms=job.started_at_ms if ending.began_at_ms is None else ending.began_at_ms,
        began_at_ms=job.began_at_ms if ending.began_at_ms is None else ending.began_at_ms,
        finished_at_ms=stamp.now_ms,
        held_in=MAIN,
        lease_expires_at_ms=None,
        due_at_ms=None,
        on_hold=False,
        waiting_on=frozenset(),
        expires_at_s=ending.expires_at_s,
    )


@dataclass(frozen=True, slots=True)
class OfKnownJob(Transition):
    """The base class of a transition whose job was read before."""

    job: Job

    @property
    def job_id(self) -> str:
        return self.job.job_id
