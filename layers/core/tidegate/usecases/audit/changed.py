"""Says for the audit trail what an act changed."""

from __future__ import annotations

from tidegate.domain.audit import Details
from tidegate.domain.callers import Caller
from tidegate.domain.job import Job


def job_before(job: Job, caller: Caller, since_ms: int) -> Details:
    """Returns the state of a job before the transitions that `caller` made since `since_ms`, from its history.

    The history is exact where a read before the act would not be: the transition's own condition decides what it found.
    """
    before = list(job.history)
    while len(before) > 1 and before[-1].actor == caller.display and before[-1].at_ms >= since_ms:
        before.pop()
    return {"state": str(before[-1].state)} if before else {}


def job_after(job: Job) -> Details:
    """Returns the fields of a job that cancelling and retrying change."""
    return {
        "state": str(job.state),
        "reopened": job.reopened,
        "cancel_requested": job.cancel_requested_at_ms is not None,
    }
