"""Records how a worker's attempts ended: finished, to be retried, or handed back.

Each record is a conditional write that holds only while the job is RUNNING at the same `attempt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidegate.domain.errors import NotFound, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job, JobFailure, Progress, SecondHold
from tidegate.domain.lives import UNBEGUN
from tidegate.domain.outside import FinishToken, HandedOver, outside_of
from tidegate.domain.retry import TIMED_OUT, backoff_ms
from tidegate.domain.second_attempts import SecondEnd
from tidegate.domain.states import State
from tidegate.domain.statistics.usual_runs import LEAST_SECONDS
from tidegate.domain.transitions import (
    Ending,
    EndSecondIfHolds,
    FinishIfAttemptHolds,
    FinishSecondIfHolds,
    HandBackIfAttemptHolds,
    HandOverIfAttemptHolds,
    RetryIfAttemptHolds,
    Stamp,
    Transition,
    TransitionRefused,
)
from tidegate.ports import Outcome, OutcomeKind, TransitionOutcome
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import Claimed


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The transition that ends an attempt of `job`, its stamp, and when the code began (None if it did not)."""

    job: Job
    transition: Transition
    stamp: Stamp
    began_at_ms: int | None = None


def conclude(services: Services, claimed: Claimed, outcome: Outcome, now_ms: int) -> Job | None:
    """Records the outcome of one attempt that ended at `now_ms`.

    Returns the job as it is afterwards, or None if the attempt is no longer the current one.
    Raises ServiceUnavailable or ServiceRefused if the message should be delivered again.
    """
    conclusion = conclusion_of(services, claimed, outcome, now_ms)
    if conclusion is None:
        return None
    (job,) = conclude_all(services, [conclusion])
    if isinstance(job, ServiceUnavailable | ServiceRefused):
        raise job
    return job


def conclusion_of(services: Services, claimed: Claimed, outcome: Outcome, now_ms: int) -> Conclusion | None:
    """Chooses the transition for an attempt that ended at `now_ms`; None if the job was lost to another worker.

    A failure or a timeout counts against the retry policy, and the job is retried while the policy allows it. A job
    that is handed back uses up no retry and loses no rank, for whatever reason. A job that is handed over stays
    RUNNING. A second attempt counts only if it succeeds. A large result is written as overflow here, before the job
    refers to it. Raises ServiceUnavailable.
    """
    if outcome.kind is OutcomeKind.LOST:
        return None
    job = claimed.job
    if isinstance(job, SecondHold):
        return _end_of_second(services, job, outcome, claimed.began_at_ms, now_ms)
    stamp = Stamp(now_ms, job.worker_id or "worker", outcome.code)
    if outcome.kind is OutcomeKind.UNABLE:
        return _handed_back(job, stamp, None)
    if outcome.kind is OutcomeKind.HANDED_BACK:
        return _handed_back(job, stamp, claimed.began_at_ms)
    if outcome.kind is OutcomeKind.HANDED_OVER and outcome.handed_over and claimed.assignment.token:
        return _handed_over(claimed, outcome.handed_over, claimed.assignment.token, stamp)
    transition = _transition(services, claimed, outcome, stamp)
    # Its figures tell the time of the second attempt too.
    if isinstance(transition, FinishIfAttemptHolds) and transition.job.may_run_twice:
        transition = replace(transition, job=_with_its_second(services, transition.job, now_ms))
    return Conclusion(job, transition, stamp, claimed.began_at_ms)


def _with_its_second(services: Services, job: Job, now_ms: int) -> Job:
    """Returns the job with the second attempt that it may have had since its claim.

    Its type allows one. Reads the job if it has run for so long that one may have been offered. Where it can't be read,
    the job ends without: no end is delayed for its figures.
    """
    ran_ms = now_ms - (job.started_at_ms or now_ms)
    if ran_ms < LEAST_SECONDS * 1_000:
        return job
    try:
        found = services.jobs.get(job.job_id, consistent=True)
    except (ServiceUnavailable, ServiceRefused):
        return job
    return job if found is None else replace(job, second=found.second)


def hand_back_of(job: Job, now_ms: int, why: str = "") -> Conclusion:
    """Makes the conclusion for a claimed job whose code did not begin and that its worker hands back.

    `why` goes into the job's history.
    """
    return _handed_back(job, _stamp(job, now_ms, why), None)


_FAILED = frozenset({OutcomeKind.FAILED, OutcomeKind.TIMED_OUT})


def _end_of_second(
    services: Services, job: SecondHold, outcome: Outcome, began_at_ms: int | None, now_ms: int
) -> Conclusion:
    stamp = _stamp(job, now_ms, f"second attempt beside attempt {job.attempt}")
    worker_id = job.worker_id or ""
    if outcome.kind is not OutcomeKind.SUCCEEDED:
        end = SecondEnd.FAILED if outcome.kind in _FAILED else SecondEnd.STOPPED
        return Conclusion(job, EndSecondIfHolds(job, job.attempt, worker_id, end, now_ms), stamp, began_at_ms)
    ending = _success(services, job, outcome, began_at_ms, now_ms)
    return Conclusion(
        job, FinishSecondIfHolds(job, job.attempt, worker_id, ending, stamp), stamp, began_at_ms
    )


def _success(services: Services, job: Job, outcome: Outcome, began_at_ms: int | None, now_ms: int) -> Ending:
    overflowed = services.jobs.store_result_overflow(job, outcome.result)
    return Ending(
        State.SUCCEEDED,
        result=None if overflowed else outcome.result,
        result_overflow=overflowed,
        expires_at_s=services.settings.expires_at_s(now_ms),
        began_at_ms=began_at_ms,
    )


def _handed_back(job: Job, stamp: Stamp, began_at_ms: int | None) -> Conclusion:
    if isinstance(job, SecondHold):
        end = EndSecondIfHolds(job, job.attempt, job.worker_id or "", SecondEnd.STOPPED, stamp.now_ms)
        return Conclusion(job, end, stamp, began_at_ms)
    reasons = ["" if began_at_ms is not None else UNBEGUN, stamp.reason]
    said = replace(stamp, reason=": ".join(filter(None, reasons)))
    hand_back = HandBackIfAttemptHolds(job, job.attempt, said, began_at_ms)
    return Conclusion(job, hand_back, said, began_at_ms)


def _handed_over(claimed: Claimed, handed: HandedOver, token: FinishToken, stamp: Stamp) -> Conclusion:
    job, began_at_ms = claimed.job, claimed.began_at_ms
    outside = outside_of(handed, token, job.timeout_seconds, stamp.now_ms)
    progress = Progress(0.0, handed.message) if handed.message else None
    transition = HandOverIfAttemptHolds(job, job.attempt, outside, progress, began_at_ms)
    return Conclusion(job, transition, stamp, began_at_ms)


def conclude_all(
    services: Services, conclusions: Sequence[Conclusion]
) -> list[Job | ServiceUnavailable | ServiceRefused | None]:
    """Records the ends of many attempts, each under its own condition.

    Returns outcomes in the order of `conclusions`: the job as it is afterwards; None if the attempt is no longer the
    current one; an error if the write may not have happened and the message should be delivered again.
    """
    outcomes: list[TransitionOutcome] = [
        *services.jobs.apply_all([conclusion.transition for conclusion in conclusions])
    ]
    # If the attempt is still the current one, only a cancellation can have refused the retry or the hand-back.
    cancelled = {
        place: outcome.job
        for place, (conclusion, outcome) in enumerate(zip(conclusions, outcomes, strict=True))
        if isinstance(outcome, TransitionRefused)
        and not isinstance(conclusion.job, SecondHold)  # its refusal says nothing of the first attempt
        and _still_holds(outcome.job, conclusion.job)
    }
    endings: list[Transition] = []
    for place, now in cancelled.items():
        one = conclusions[place]
        stamp, job = _asked_for(one.stamp, now), replace(one.job, second=now.second)
        endings.append(_finish(services, job, Ending(State.CANCELLED), stamp, one.began_at_ms))
    if endings:
        for place, outcome in zip(cancelled, _apply_all(services, endings), strict=True):
            outcomes[place] = outcome
    return [None if isinstance(outcome, TransitionRefused | NotFound) else outcome for outcome in outcomes]


def _apply_all(
    services: Services, transitions: Sequence[Transition]
) -> list[Job | TransitionRefused | NotFound | ServiceUnavailable | ServiceRefused]:
    return [*services.jobs.apply_all(transitions)]


def _still_holds(now: Job, claimed: Job) -> bool:
    return now.state is State.RUNNING and now.attempt == claimed.attempt and not now.is_outside


def _stamp(job: Job, now_ms: int, reason: str) -> Stamp:
    return Stamp(now_ms, job.worker_id or "worker", reason)


def _asked_for(stamp: Stamp, job: Job | None) -> Stamp:
    """Adds the caller that asked for the cancellation to the stamp."""
    if job is None or job.cancel_requested_by is None:
        return stamp
    return replace(stamp, reason=f"asked for by {job.cancel_requested_by}")


def _transition(services: Services, claimed: Claimed, outcome: Outcome, stamp: Stamp) -> Transition:
    job = claimed.job
    if outcome.kind is OutcomeKind.CANCELLED:
        # Read again: the cancellation was asked for after the claim.
        asked = _asked_for(stamp, services.jobs.get(job.job_id, consistent=True))
        return _finish(services, job, Ending(State.CANCELLED), asked, claimed.began_at_ms)
    if outcome.kind is OutcomeKind.SUCCEEDED:
        ending = _success(services, job, outcome, claimed.began_at_ms, stamp.now_ms)
        return FinishIfAttemptHolds(job, job.attempt, ending, stamp)
    timed_out = outcome.kind is OutcomeKind.TIMED_OUT
    failure = (
        JobFailure(TIMED_OUT, f"ran longer than its timeout of {job.timeout_seconds} s")
        if timed_out
        else JobFailure(outcome.code or "failed", outcome.message)
    )
    if job.retry.allows(failure.code, retryable=outcome.retryable) and job.has_retries_left:
        jitter = services.entropy.jitter()
        wait_ms = backoff_ms(job.retry, job.tries + 1, jitter, outcome.retry_after_seconds)
        due_at_ms = stamp.now_ms + wait_ms
        # The last lines stay in the log alone, because they would make each write of the next attempt dearer.
        return RetryIfAttemptHolds(job, job.attempt, due_at_ms, failure, stamp, claimed.began_at_ms)
    state = State.TIMED_OUT if timed_out else State.FAILED
    failure = replace(failure, last_lines=outcome.last_lines)
    return _finish(services, job, Ending(state, failure=failure), stamp, claimed.began_at_ms)


def _finish(
    services: Services, job: Job, ending: Ending, stamp: Stamp, began_at_ms: int | None
) -> FinishIfAttemptHolds:
    expires_at_s = services.settings.expires_at_s(stamp.now_ms)
    dated = replace(ending, expires_at_s=expires_at_s, began_at_ms=began_at_ms)
    return FinishIfAttemptHolds(job, job.attempt, dated, stamp)
