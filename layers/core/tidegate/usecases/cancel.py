"""Cancel: at once before a job runs; by asking its worker while it runs."""

from __future__ import annotations

from tidegate.domain.errors import AlreadyEnded, DependencyUnavailable, NotFound, TransitionRefused
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import CancelIfInState, Ending, RequestCancelIfRunning, Stamp, Transition
from tidegate.usecases.services import Services
from tidegate.usecases.visible import visible_jobs

_TRIES = 5  # each lost race moves the job forward, and its states are few


def cancel_job(services: Services, job_id: str, *, actor: str, now_ms: int) -> Job:
    """Cancels a job, or asks its worker to; returns the job after that. Cancelling twice changes nothing.

    Raises NotFound (also while its workflow is not accepted yet), AlreadyEnded (it ended in another way), or
    DependencyUnavailable when it kept moving.
    """
    job = services.jobs.get(job_id, consistent=True)
    if job is None or not list(visible_jobs(services, [job])):
        raise NotFound("job", job_id)
    stamp = Stamp(now_ms, actor, "cancellation asked for")
    for _ in range(_TRIES):
        if job.state is State.CANCELLED:
            return job
        if job.is_terminal:
            raise AlreadyEnded(job_id, job.state)
        try:
            return services.jobs.apply(_transition(services, job, stamp))
        except TransitionRefused as refused:
            job = refused.job
    raise DependencyUnavailable(f"job {job_id} kept changing while it was being cancelled; ask again")


def _transition(services: Services, job: Job, stamp: Stamp) -> Transition:
    if job.state is State.RUNNING:
        return RequestCancelIfRunning(job, stamp)
    ending = Ending(
        State.CANCELLED,
        failure=JobFailure("cancelled", f"cancelled by {stamp.actor} before it ran"),
        expires_at_s=services.settings.expires_at_s(stamp.now_ms),
    )
    return CancelIfInState(job, ending, stamp)
