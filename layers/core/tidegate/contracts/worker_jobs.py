"""The answer about the jobs of one worker: its model and the function that makes it."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.job import Job


class WorkerJobOut(TypedDict):
    """A job of a worker. While it runs, `began_at` minus `started_at` is the time from its claim to its code."""

    job_id: str
    key: str | None
    name: str | None
    type: str
    state: str
    attempt: int
    started_at: Time | None
    began_at: Time | None
    finished_at: Time | None
    actual_duration_seconds: float | None
    error_code: str | None


class WorkerJobsOut(TypedDict):
    """The jobs that a worker runs, longest first, and those that it ran lately, latest first.

    `complete` says that all active jobs of its pool were looked at. Jobs that ended before `ended_since` may be
    missing; null where none can be.
    """

    running: list[WorkerJobOut]
    ended: list[WorkerJobOut]
    complete: bool
    ended_since: Time | None


def worker_jobs_out(
    running: Sequence[Job], ended: Sequence[Job], *, complete: bool, ended_since_ms: int | None
) -> WorkerJobsOut:
    """Returns the jobs of a worker as clients read them."""
    return {
        "running": [_row(job) for job in running],
        "ended": [_row(job) for job in ended],
        "complete": complete,
        "ended_since": to_wire(ended_since_ms),
    }


def _row(job: Job) -> WorkerJobOut:
    return {
        "job_id": job.job_id,
        "key": job.key,
        "name": job.name,
        "type": job.type,
        "state": job.state,
        "attempt": job.attempt,
        "started_at": to_wire(job.started_at_ms),
        "began_at": to_wire(job.began_at_ms),
        "finished_at": to_wire(job.finished_at_ms),
        "actual_duration_seconds": job.actual_duration_seconds,
        "error_code": job.failure.code if job.failure else None,
    }
