"""Takes in what is told from outside about an attempt that was handed over: that it goes on, or how it ended.

The attempt's token is the fence. Each write is conditional on the attempt and on the token's digest, so nobody without
the token, and no token of an earlier attempt, changes the job.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from tidegate.domain.callers import Caller
from tidegate.domain.errors import NotOutside, ServiceUnavailable, WrongToken
from tidegate.domain.job import Job, JobFailure, Progress
from tidegate.domain.outside import FinishToken, Outside
from tidegate.domain.outside_ends import FailedOutside, SucceededOutside
from tidegate.domain.retry import backoff_ms
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    Ending,
    FinishIfOutside,
    HeartbeatIfOutside,
    RetryIfOutside,
    Stamp,
    Transition,
    TransitionRefused,
)
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.services import Services

FINISHED_REASON = "finished from outside"
_TRIES = 5  # a refused write means that the job changed meanwhile
_RETRIED = frozenset({State.SCHEDULED, State.READY, State.QUEUED, State.FAILED})


def finish_outside(
    services: Services,
    job_id: str,
    token: str,
    outcome: SucceededOutside | FailedOutside,
    *,
    caller: Caller,
    now_ms: int,
) -> Job:
    """Ends the attempt that `token` names, and the job unless its retry policy lets another attempt follow.

    Safe to repeat: the same outcome of the same attempt answers as the first. Returns the job as it is afterwards.
    Raises NotFound; WrongToken for a token that is none of this job; NotOutside if the attempt has ended or was not
    handed over yet; ServiceUnavailable if the job kept changing meanwhile.
    """
    stamp = Stamp(now_ms, caller.display, FINISHED_REASON)

    def end(job: Job, outside: Outside) -> Transition:
        if isinstance(outcome, SucceededOutside):
            ending = Ending(
                State.SUCCEEDED, result=outcome.result, expires_at_s=services.settings.expires_at_s(now_ms)
            )
            return FinishIfOutside(job, outside, ending, stamp)
        return _failed(services, job, outside, outcome, stamp)

    return _told(services, job_id, token, end, lambda job: _ended_so(job, outcome))


def beat_outside(
    services: Services, job_id: str, token: str, progress: Progress | None, *, now_ms: int
) -> Job:
    """Extends the lease of the attempt that `token` names, and stores its progress where some is told.

    Returns the job as it is afterwards. Raises as `finish_outside` does.
    """

    def beat(job: Job, outside: Outside) -> Transition:
        return HeartbeatIfOutside(job, outside, outside.lease_until_ms(now_ms), progress)

    return _told(services, job_id, token, beat, lambda _: False)


def _told(
    services: Services,
    job_id: str,
    text: str,
    transition: Callable[[Job, Outside], Transition],
    is_repeated: Callable[[Job], bool],
) -> Job:
    token = FinishToken.read(text)
    if token is None or token.job_id != job_id:
        raise WrongToken(job_id)
    job = find_job(services, job_id)
    for _ in range(_TRIES):
        outside = job.outside
        if outside is None or outside.attempt != token.attempt:
            raise _not_outside(job, token)
        if not hmac.compare_digest(outside.digest, token.digest):
            raise WrongToken(job_id)
        if not job.is_outside:
            if job.attempt == token.attempt and is_repeated(job):
                return job
            raise _not_outside(job, token)
        try:
            return services.jobs.apply(transition(job, outside))
        except TransitionRefused as refused:
            job = refused.job
    raise ServiceUnavailable(f"job {job_id} kept changing meanwhile; send the request again")


def _not_outside(job: Job, token: FinishToken) -> NotOutside | WrongToken:
    """Returns the error for a token whose attempt is not outside, as far as the job tells why."""
    if token.attempt > job.attempt:
        return WrongToken(job.job_id)
    if token.attempt < job.attempt:
        why = (
            f"is at attempt {job.attempt}, and attempt {token.attempt} of the token has ended; stop that work"
        )
        return NotOutside(job.job_id, why)
    if job.state is State.RUNNING:
        return NotOutside(job.job_id, "still runs in its worker; send this again once its code has returned")
    return NotOutside(
        job.job_id, f"is {job.state}: attempt {token.attempt} of the token has ended; stop that work"
    )


def _ended_so(job: Job, outcome: SucceededOutside | FailedOutside) -> bool:
    """Tells whether the latest attempt ended as told, so that this is the same call again."""
    if isinstance(outcome, SucceededOutside):
        return job.state is State.SUCCEEDED and job.result == outcome.result
    failure = job.failure
    if failure is None or job.state not in _RETRIED:
        return False
    return (failure.code, failure.message) == (outcome.code, outcome.message)


def _failed(
    services: Services, job: Job, outside: Outside, failed: FailedOutside, stamp: Stamp
) -> FinishIfOutside | RetryIfOutside:
    failure = JobFailure(failed.code, failed.message)
    if job.retry.allows(failure.code, retryable=failed.retryable) and job.has_retries_left:
        jitter = services.entropy.jitter()
        wait_ms = backoff_ms(job.retry, job.tries + 1, jitter, failed.retry_after_seconds)
        return RetryIfOutside(job, outside, stamp.now_ms + wait_ms, failure, stamp)
    expires_at_s = services.settings.expires_at_s(stamp.now_ms)
    return FinishIfOutside(
        job, outside, Ending(State.FAILED, failure=failure, expires_at_s=expires_at_s), stamp
    )
