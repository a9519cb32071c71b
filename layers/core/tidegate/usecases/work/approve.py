"""Decides an approval: a job of the built-in type that waits outside until a caller approves or rejects it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tidegate.domain.callers import Caller, namespace_of
from tidegate.domain.errors import NotAnApproval, NotAnApprover, NotOutside, ServiceUnavailable
from tidegate.domain.job import Job, JobFailure, Json
from tidegate.domain.outside import APPROVAL_TYPE
from tidegate.domain.outside_ends import Decision
from tidegate.domain.retry import REJECTED
from tidegate.domain.roles import Role
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfOutside, Stamp, TransitionRefused
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.services import Services

_TRIES = 5  # a refused write means that the job changed meanwhile


def decide_approval(
    services: Services, job_id: str, decision: Decision, *, caller: Caller, now_ms: int
) -> Job:
    """Ends an approval as SUCCEEDED where the caller approves it, else as FAILED. A rejection is not retried.

    Operators may decide, but not about what they submitted themselves; so may the callers whom its parameter
    `approvers` names. Safe to repeat: the same decision again answers as the first, whoever made it.
    Returns the job as it is afterwards. Raises NotFound, NotAnApproval, NotAnApprover; NotOutside if it does not wait
    for a decision yet or any more; ServiceUnavailable if the job kept changing meanwhile.
    """
    job = find_job(services, job_id)
    if job.type != APPROVAL_TYPE:
        raise NotAnApproval(job_id, job.type)
    refuse_unless_approver(services, job, caller)
    for _ in range(_TRIES):
        if not job.is_outside or job.outside is None:
            if _is_decided_so(job, decision):
                return job
            raise NotOutside(job_id, _why_not(job))
        reason = f"{decision.word}: {decision.comment}" if decision.comment else decision.word
        stamp = Stamp(now_ms, caller.display, reason)
        ending = _ending(services, decision, caller, now_ms)
        try:
            return services.jobs.apply(FinishIfOutside(job, job.outside, ending, stamp))
        except TransitionRefused as refused:
            job = refused.job
    raise ServiceUnavailable(f"job {job_id} kept changing meanwhile; send the request again")


def refuse_unless_approver(services: Services, job: Job, caller: Caller) -> None:
    """Raises NotAnApprover unless the caller may decide about the approval `job`.

    Costs at most two reads, where the input overflowed.
    """
    named = services.jobs.load_input(job).parameters.get("approvers")
    approvers: Sequence[Json] = named if isinstance(named, Sequence) and not isinstance(named, str) else ()
    if any(isinstance(each, str) and caller.is_named_by(each) for each in approvers):
        return
    own = job.submitted_by is not None and namespace_of(job.submitted_by) == caller.namespace
    if own or services.grants.load().role_of(caller) is not Role.OPERATOR:
        raise NotAnApprover(job.job_id, caller.namespace, own=own)


def _ending(services: Services, decision: Decision, caller: Caller, now_ms: int) -> Ending:
    expires_at_s = services.settings.expires_at_s(now_ms)
    if decision.approved:
        at = datetime.fromtimestamp(now_ms / 1_000, UTC).isoformat(timespec="milliseconds")
        result: Mapping[str, Json] = {
            "approved": True,
            "by": caller.subject or caller.display,
            "comment": decision.comment,
            "at": at.replace("+00:00", "Z"),
        }
        return Ending(State.SUCCEEDED, result=result, expires_at_s=expires_at_s)
    message = f"{caller.display} rejected it" + (f": {decision.comment}" if decision.comment else "")
    return Ending(State.FAILED, failure=JobFailure(REJECTED, message), expires_at_s=expires_at_s)


def _is_decided_so(job: Job, decision: Decision) -> bool:
    if decision.approved:
        return isinstance(job.result, Mapping) and job.result.get("approved") is True
    return job.state is State.FAILED and job.failure is not None and job.failure.code == REJECTED


def _why_not(job: Job) -> str:
    if job.is_terminal:
        return f"has ended as {job.state}, so there is nothing left to decide"
    return f"is {job.state} and does not wait for a decision yet; look at it again in a moment"
