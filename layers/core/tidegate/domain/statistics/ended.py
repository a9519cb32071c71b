"""An end of a job, as the job's entry in the index tells it, with the figures of the life that it ended.

A job may end several times: a caller reopens it, or marks an end without success as another end. Each end counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions.base import EndFigures, figures_of_end

__all__ = ["SETTLES_MS", "EndFigures", "EndPlace", "EndedJob", "end_of", "figures_of"]

SETTLES_MS: Final = 600_000
"""How long after `ended_at_ms` an end may still come into the index, in milliseconds (see `ports.JobIndex.ended`)."""


@dataclass(frozen=True, slots=True, order=True)
class EndPlace:
    """The place of an end in the order of ends. `life` is 0 where the ends of one job are never side by side."""

    ended_at_ms: int
    job_id: str
    life: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJob:
    """One end of a job. Times are in milliseconds since the epoch.

    `pool` is the pool in which the job ended. `share` is None for a job of the main lane. `estimated_seconds` is the
    job's estimate. `figures` is None where the job ended under a version that wrote none.
    """

    job_id: str
    pool: str
    type: str
    state: State
    ended_at_ms: int
    submitted_at_ms: int
    priority: int
    share: str | None = None
    error_code: str | None = None
    estimated_seconds: float | None = None
    figures: EndFigures | None = None

    @property
    def place(self) -> EndPlace:
        """Returns the place of the end among the kept ends of its pool."""
        return EndPlace(self.ended_at_ms, self.job_id, self.figures.life if self.figures else 0)


def end_of(job: Job) -> EndedJob:
    """Returns the present end of a job that has ended."""
    return EndedJob(
        job_id=job.job_id,
        pool=job.pool,
        type=job.type,
        state=job.state,
        ended_at_ms=job.finished_at_ms or job.created_at_ms,
        submitted_at_ms=job.created_at_ms,
        priority=job.priority,
        share=job.share or None,
        error_code=None if job.failure is None else job.failure.code,
        estimated_seconds=job.estimated_duration_seconds,
        figures=figures_of(job),
    )


def figures_of(job: Job) -> EndFigures:
    """Returns the figures of the present end of a job that has ended."""
    return figures_of_end(job, job.history, job.began_at_ms)
