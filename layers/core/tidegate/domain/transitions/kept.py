"""The transition that keeps an ended job for longer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL
from tidegate.domain.transitions.base import OfKnownJob


@dataclass(frozen=True, slots=True)
class KeepIfEnded(OfKnownJob):
    """Sets the end of a job's retention to `until_s`, in seconds since the epoch, if the job is still as it was read.

    The job must have ended in the same life, and its `expires_at_s` must be unchanged.
    """

    name: ClassVar[str] = "keep"
    until_s: int

    def apply(self, job: Job) -> Job:
        self._require(job.state in TERMINAL, job, f"it is {job.state}")
        self._require_same_life(job, self.job.reopened)
        self._require(
            job.expires_at_s == self.job.expires_at_s,
            job,
            f"it is kept until {job.expires_at_s} by now, not {self.job.expires_at_s}",
        )
        return replace(job, expires_at_s=self.until_s)
