"""Transitions out of a terminal state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.lives import kept_history, may_be_reopened
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.transitions.base import OfKnownJob, Stamp, moved


@dataclass(frozen=True, slots=True)
class ReopenIfEnded(OfKnownJob):
    """FAILED, TIMED_OUT, CANCELLED or SKIPPED -> PENDING, if the job still stands as it was read.

    It waits on all of its dependencies again, and each is judged anew. Its attempts go on counting, so that no write
    of an earlier one is ever taken for one of a later. All else begins anew: its tries and so its rank, the workers
    that it may lose, and whether its code has begun. Jobs of later submissions may have come to wait on it after it
    had ended, which is not noted on it: from now on they are always looked for.
    Its history keeps every life in which code ran, and the latest of the others.
    `leave_skipped` is noted on it: what was skipped because of it is not to follow.
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
        return moved(
            replace(job, history=kept_history(job.history)),
            State.PENDING,
            self.stamp,
            reopened=job.reopened + 1,
            tries=0,
            worker_losses=0,
            leaves_skipped=self.leave_skipped,
            dependents_apart=True,
            watch_start=True,
            waiting_on=frozenset(range(job.dependency_count)),
            queued_at_ms=None,
            sent_at_ms=None,
            started_at_ms=None,
            began_at_ms=None,
            finished_at_ms=None,
            worker_id=None,
            progress=None,
            cancel_requested_at_ms=None,
            cancel_requested_by=None,
            result=None,
            result_apart=False,
            failure=None,
            expires_at_s=None,
        )
