"""Turns reports of job code into the Outcome of an attempt; both executors use it."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.domain import limits
from tidegate.domain.job import Json
from tidegate.domain.texts import plain_message
from tidegate.jobs.attempt import AttemptReport, ReportKind
from tidegate.ports import UNKNOWN_TYPE, Assignment, Outcome, OutcomeKind, Signal

WHY: Mapping[Signal, str] = {
    Signal.CANCEL: "cancellation was asked for",
    Signal.HAND_BACK: "this worker shuts down",
    Signal.LOST: "another worker owns the job now",
}
VERDICTS: Mapping[Signal, OutcomeKind] = {
    Signal.CANCEL: OutcomeKind.CANCELLED,
    Signal.HAND_BACK: OutcomeKind.HANDED_BACK,
    Signal.LOST: OutcomeKind.LOST,
}


def outcome_of(report: AttemptReport, stop: Signal) -> Outcome:
    """Returns the outcome of job code that ended by itself.

    `stop` is the request to stop that it had got by then, or GO_ON. Work that job code finished although it was asked
    to stop counts as done.
    """
    if report.kind is ReportKind.SUCCEEDED:
        return Outcome(OutcomeKind.SUCCEEDED, result=report.result)
    if report.kind is ReportKind.HANDED_OVER:  # somebody outside may know of the job by now
        return Outcome(OutcomeKind.HANDED_OVER, handed_over=report.handed_over)
    if report.kind is ReportKind.TIMED_OUT:
        return Outcome(OutcomeKind.TIMED_OUT)
    if stop is not Signal.GO_ON:
        return Outcome(VERDICTS[stop])
    if report.kind is ReportKind.STOPPED:
        return Outcome(
            OutcomeKind.FAILED,
            code="stopped",
            message="job code raised JobCancelled, but it was not asked to stop",
        )
    return Outcome(
        OutcomeKind.FAILED,
        code=report.code,
        message=report.message,
        retryable=report.retryable,
        retry_after_seconds=report.retry_after_seconds,
    )


def unable_for_want_of_type(why: str = "") -> Outcome:
    """Returns the outcome for a worker that lacks the job's type.

    `why` names the job code that failed to load, if any.
    """
    return unable(UNKNOWN_TYPE, f"this worker lacks the job's type{': ' if why else ''}{why}")


def unable(code: str, message: str) -> Outcome:
    """Returns the outcome for a worker that can begin no job.

    `message` may contain the text of an error of job code.
    """
    bounded = plain_message(message)[: limits.MAX_FAULT_CHARACTERS]
    return Outcome(OutcomeKind.UNABLE, code=code, message=bounded)


def upstream_values(assignment: Assignment) -> list[dict[str, Json]]:
    """Returns the upstreams of an assignment as plain values."""
    return [
        {"job_id": one.job_id, "key": one.key, "state": one.state.value, "result": one.result}
        for one in assignment.upstreams
    ]
