"""Conclude stuck: records the end of an attempt whose code does not end, though its time is over."""

from __future__ import annotations

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.ports import Assignment, Clock, Outcome
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import Claimed
from tidegate.usecases.work.conclude import conclude


def conclude_stuck(services: Services, clock: Clock, assignment: Assignment, outcome: Outcome) -> Job | None:
    """Records `outcome` for an attempt that still runs; None where the attempt no longer holds.

    For the thread beside job code: it has the assignment, and reads the job once more. Raises DependencyUnavailable or
    ServiceRefused where nothing is known to be written; then the lease runs out.
    """
    job = services.jobs.get(assignment.job_id, consistent=True)
    if job is None or job.state is not State.RUNNING or job.attempt != assignment.attempt:
        return None
    began_at_ms = max(job.began_at_ms or 0, job.started_at_ms or 0)
    return conclude(services, Claimed(job, assignment, began_at_ms), outcome, clock.now_ms())
