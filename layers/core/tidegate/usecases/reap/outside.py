"""Decides what becomes of a job outside whose lease has run out."""

from __future__ import annotations

from tidegate.domain.job import Job, JobFailure
from tidegate.domain.outside import Outside
from tidegate.domain.retry import OUTSIDE_SILENT, TIMED_OUT, backoff_ms
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    Ending,
    FinishIfOutsideExpired,
    RetryIfOutsideExpired,
    Stamp,
    Transition,
)


def repair_of_outside(
    job: Job, *, jitter: float, expires_at_s: int, actor: str, now_ms: int
) -> Transition | None:
    """Returns the transition that takes a job back from the outside; None while its lease holds.

    A lease that ran to the end of the time outside is a timeout, any other is a silence. Both count against the retry
    policy, as a failure and a timeout in a worker do. `jitter` in [0, 1) spreads retries; `expires_at_s` is when the
    job may be removed if it ends now.
    """
    outside, expires_at_ms = job.outside, job.lease_expires_at_ms
    if outside is None or not job.is_outside or expires_at_ms is None or expires_at_ms >= now_ms:
        return None
    timed_out = outside.until_ms is not None and expires_at_ms >= outside.until_ms
    failure = _failure(outside, timed_out=timed_out)
    stamp = Stamp(now_ms, actor, failure.code)
    if job.retry.allows(failure.code) and job.has_retries_left:
        wait_ms = backoff_ms(job.retry, job.tries + 1, jitter)
        return RetryIfOutsideExpired(job, outside, now_ms + wait_ms, failure, stamp)
    state = State.TIMED_OUT if timed_out else State.FAILED
    ending = Ending(state, failure=failure, expires_at_s=expires_at_s)
    return FinishIfOutsideExpired(job, outside, ending, stamp)


def _failure(outside: Outside, *, timed_out: bool) -> JobFailure:
    if timed_out:
        seconds = ((outside.until_ms or 0) - outside.since_ms) / 1_000
        return JobFailure(TIMED_OUT, f"it was not finished from outside within {seconds:g} s")
    return JobFailure(OUTSIDE_SILENT, f"no heartbeat came from outside for {outside.lease_ms / 1_000:g} s")
