"""Ends a job by hand: marks it as succeeded or skipped, and lets what follows it go on."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.callers import Caller
from tidegate.domain.errors import NotMarkable, ServiceUnavailable
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.outside import APPROVAL_TYPE
from tidegate.domain.retry import MARKED
from tidegate.domain.states import TRANSITIONS, State
from tidegate.domain.transitions import DISPATCHED, Ending, MarkUnlessDispatched, Stamp, TransitionRefused
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.kept_ends import apply_leaving
from tidegate.usecases.callers.ownership import refuse_foreign_jobs
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.recover.reopen import Reopened, reopen_skipped_for
from tidegate.usecases.services import Services
from tidegate.usecases.work.approve import refuse_unless_approver

MARKED_REASON = "marked: "  # begins the reason in the history
_TRIES = 5  # a refused write means that the job changed meanwhile


@dataclass(frozen=True, slots=True)
class Mark:
    """How a caller ends a job: `state` is SUCCEEDED or SKIPPED, and `reason` says why, for people."""

    state: State
    reason: str


def mark_job(
    services: Services, job_id: str, wanted: Mark, *, caller: Caller, now_ms: int, until: Deadline = NEVER
) -> tuple[Job, Reopened]:
    """Ends a waiting job, or one that ended without success, as `wanted` by one conditional write. Safe to repeat.

    The dispatcher judges the jobs that wait for it, as for any end. Jobs that were skipped because of an earlier end of
    a job that is now SUCCEEDED are reopened and judged; those that are not reached before the deadline `until` stay
    SKIPPED until the same call is made again. Returns the job as it is afterwards, and the counts of the reopened ones.
    An approval is marked SUCCEEDED only by those that may approve it, because the jobs that wait for it then run.
    Raises NotFound, also while the job's workflow is not accepted yet; NotYours; NotAnApprover; NotMarkable if the job
    is QUEUED or RUNNING or has succeeded; ServiceUnavailable or ServiceRefused if the job kept changing or some jobs
    could not be written: the same call continues with the rest.
    """
    job = find_job(services, job_id)
    refuse_foreign_jobs(services, caller, [job])
    if job.type == APPROVAL_TYPE and wanted.state is State.SUCCEEDED:
        refuse_unless_approver(services, job, caller)
    stamp = Stamp(now_ms, caller.display, f"{MARKED_REASON}{wanted.reason}")
    for _ in range(_TRIES):
        if job.state is wanted.state:
            break
        _refuse_unless_markable(job, wanted.state)
        try:
            job = apply_leaving(services, MarkUnlessDispatched(job, _ending(services, wanted, stamp), stamp))
        except TransitionRefused as refused:
            job = refused.job
    else:
        if job.state is not wanted.state:
            raise ServiceUnavailable(
                f"job {job_id} kept changing while it was marked; send the request again"
            )
    if wanted.state is State.SUCCEEDED:
        return job, reopen_skipped_for(services, job, stamp, until)
    return job, Reopened(0, 0, 0, complete=True)


def _ending(services: Services, wanted: Mark, stamp: Stamp) -> Ending:
    failure = None
    if wanted.state is State.SKIPPED:
        failure = JobFailure(MARKED, f"{stamp.actor} marked it SKIPPED: {wanted.reason}")
    return Ending(wanted.state, failure=failure, expires_at_s=services.settings.expires_at_s(stamp.now_ms))


def _refuse_unless_markable(job: Job, wanted: State) -> None:
    if job.state in DISPATCHED:
        raise NotMarkable(job.job_id, f"is {job.state}; cancel it first, or wait until it has ended")
    if wanted not in TRANSITIONS[job.state]:
        raise NotMarkable(job.job_id, f"has ended as {job.state}, so it can't be marked {wanted}")
