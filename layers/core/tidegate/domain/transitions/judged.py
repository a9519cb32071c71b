"""The transition that notes on a job whether its time to finish by will be met."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tidegate.domain.job import Job
from tidegate.domain.transitions.base import OfKnownJob
from tidegate.domain.verdicts import Judgement, with_judgement


@dataclass(frozen=True, slots=True)
class NoteJudgementIfOpen(OfKnownJob):
    """Adds a judgement about the job's `finish_by_ms`, if the job has not ended.

    The time, the judgements and the life must be as they were read: of two that judge a job at once, one notes it.
    """

    name: ClassVar[str] = "judge"
    judgement: Judgement

    def apply(self, job: Job) -> Job:
        self._require(not job.is_terminal, job, f"it is {job.state}")
        self._require_same_life(job, self.job.reopened)
        self._require(
            job.finish_by_ms is not None and job.finish_by_ms == self.job.finish_by_ms,
            job,
            "it has another time to finish by",
        )
        self._require(job.judgements == self.job.judgements, job, "it was judged meanwhile")
        return replace(job, judgements=with_judgement(job.judgements, self.judgement))
