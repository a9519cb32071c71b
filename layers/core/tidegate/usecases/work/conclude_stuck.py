"""Records the end of an attempt whose code is stuck: it still runs although its time is over."""

from __future__ import annotations

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.ports import Assignment, Clock, Outcome
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import Claimed
from tidegate.usecases.work.conclude import conclude


def conclude_stuck(services: Services, clock: Clock, assignment: Assignment, outcome: Outcome) -> Job | None:
    """Records `outcome` for an attempt whose code still runs.

    Called by the thread that watches the job code. That thread has only the assignment, so the job is read again.
    Returns the job as it is afterwards, or None if the attempt is no longer the current one.
    Raises ServiceUnavailable or ServiceRefused if the write may not have happened; the job's lease then runs out.
    """
    job = services.jobs.get(assignment.job_id, consistent=True)
    if job is None or job.state is not State.RUNNING or job.attempt != assignment.attempt:
        return None
    if assignment.second:
        # The thread can't tell whether the second attempt is still its own, so its lease decides. The job goes on.
        return None
    began_at_ms = max(job.began_at_ms or 0, job.started_at_ms or 0)
    return conclude(services, Claimed(job, assignment, began_at_ms), outcome, clock.now_ms())
