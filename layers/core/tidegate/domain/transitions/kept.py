"""The transition that leaves a job ended and has it stay for longer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL
from tidegate.domain.transitions.base import OfKnownJob


@dataclass(frozen=True, slots=True)
class KeepIfEnded(OfKnownJob):
    """Moves the end of a job's retention to `until_s`, in seconds since the epoch, if it stands as it was read.

    It must have ended in the same life, and nobody may have moved the time meanwhile.
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
