"""The transitions that begin a new life of a job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN
from tidegate.domain.lives import kept_history, may_be_reopened
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.transitions.base import OfKnownJob, Stamp, brought_to


@dataclass(frozen=True, slots=True)
class ReopenIfEnded(OfKnownJob):
    """FAILED, TIMED_OUT, CANCELLED or SKIPPED -> PENDING, if the job is still as it was read.

    The job waits on all its dependencies again, and each is judged again. `attempt` goes on counting, so that a write
    of an earlier attempt is never taken for one of a later attempt. Everything else begins anew: the count of failed
    attempts and so the rank, the count of lost workers, and the note that the code has begun. Jobs of later submissions
    may have come to wait on this one after its end, which its item does not note. So from now on its dependents are
    always looked up. The history keeps every life in which code ran, and the latest of the other lives. `leave_skipped`
    is noted on the job: jobs that were skipped because of it stay SKIPPED.
    """

    name: ClassVar[str] = "reopen"
    stamp: Stamp
    leave_skipped: bool = False

    def apply(self, job: Job) -> Job:
        self._require(job.state in REOPENABLE, job, f"it is {job.state}")
        self._require_state(job, self.job.state)
        self._require_same_life(job, self.job.reopened)
        self._require(job.attempt == self.job.attempt, job, f"it is at attempt {job.attempt}")
        self._require(
            may_be_reopened(job.history),
            job,
            f"it ran again after {limits.MAX_REOPENINGS} reopenings, the most allowed",
        )
        return _in_new_life(job, self.stamp, leaves_skipped=self.leave_skipped)


# A job in one of these states belongs to its pool's queue or to a worker, so only that may end its life.
DISPATCHED = frozenset({State.QUEUED, State.RUNNING})


@dataclass(frozen=True, slots=True)
class RerunUnlessDispatched(OfKnownJob):
    """Any state but QUEUED and RUNNING -> PENDING, if the job is still as it was read.

    A job that succeeded runs again, and one that waits begins to wait anew: an upstream that satisfied it is rerun.
    Everything else is as in ReopenIfEnded. `input_part` names the overflow with the job's new input; None keeps its
    input.
    """

    name: ClassVar[str] = "rerun"
    stamp: Stamp
    input_part: str | None = None

    def apply(self, job: Job) -> Job:
        self._require(job.state not in DISPATCHED, job, f"it is {job.state}")
        self._require_state(job, self.job.state)
        self._require_same_life(job, self.job.reopened)
        self._require(job.attempt == self.job.attempt, job, f"it is at attempt {job.attempt}")
        self._require_ready_since(job, self.job.ready_at_ms)
        self._require(
            may_be_reopened(job.history),
            job,
            f"it ran again after {limits.MAX_REOPENINGS} reopenings, the most allowed",
        )
        given = job if self.input_part is None else replace(job, input=None, input_part=self.input_part)
        return _in_new_life(given, self.stamp, leaves_skipped=False)


def _in_new_life(job: Job, stamp: Stamp, *, leaves_skipped: bool) -> Job:
    return brought_to(
        replace(job, history=kept_history(job.history)),
        State.PENDING,
        stamp,
        reopened=job.reopened + 1,
        tries=0,
        worker_losses=0,
        leaves_skipped=leaves_skipped,
        dependents_overflow=True,
        watch_start=True,
        waiting_on=frozenset(range(job.dependency_count)),
        queued_at_ms=None,
        sent_at_ms=None,
        started_at_ms=None,
        began_at_ms=None,
        finished_at_ms=None,
        worker_id=None,
        worker_name="",
        worker_host="",
        progress=None,
        cancel_requested_at_ms=None,
        cancel_requested_by=None,
        result=None,
        result_overflow=False,
        failure=None,
        judgements=(),
        expires_at_s=None,
        held_in=MAIN,
        due_at_ms=None,
    )
