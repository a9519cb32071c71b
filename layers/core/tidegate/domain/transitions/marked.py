"""The transition by which a caller ends a job by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tidegate.domain.job import Job
from tidegate.domain.states import TRANSITIONS
from tidegate.domain.transitions.base import Ending, OfKnownJob, Stamp, ended
from tidegate.domain.transitions.ended import DISPATCHED


@dataclass(frozen=True, slots=True)
class MarkUnlessDispatched(OfKnownJob):
    """Any state but QUEUED, RUNNING and SUCCEEDED -> SUCCEEDED or SKIPPED, if the job is still as it was read.

    The job ends as if it had ended so by itself, with no result. A job that had ended without success keeps its
    attempts.
    """

    name: ClassVar[str] = "mark"
    ending: Ending
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require(job.state not in DISPATCHED, job, f"it is {job.state}")
        self._require(self.ending.state in TRANSITIONS[job.state], job, f"it is {job.state}")
        self._require_state(job, self.job.state)
        self._require_same_life(job, self.job.reopened)
        self._require_ready_since(job, self.job.ready_at_ms)
        return ended(job, self.ending, self.stamp)
