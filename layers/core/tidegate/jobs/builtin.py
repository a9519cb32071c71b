"""The job types that every deployment has."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tidegate.domain import limits
from tidegate.domain.job import Json
from tidegate.domain.outside import APPROVAL_TYPE, HandedOver
from tidegate.jobs.context import JobContext
from tidegate.jobs.registry import Parameters, job

_PROGRESS_STEPS = 20
_A_WEEK_SECONDS = 7 * 86_400


class NoParameters(Parameters):
    """The parameters of a job that takes none."""


class SleepParameters(Parameters):
    """The time to sleep, in seconds."""

    seconds: float = Field(ge=0, le=limits.MAX_TIMEOUT_SECONDS)


class TraceTaskParameters(Parameters):
    """One task of a replayed trace: its duration in seconds, and the program that it ran in the trace."""

    seconds: float = Field(ge=0, le=limits.MAX_TIMEOUT_SECONDS)
    program: str = Field(default="", max_length=limits.MAX_NAME_CHARACTERS)


class ApprovalParameters(Parameters):
    """The question that an approval asks, and who may answer it.

    `approvers` are subjects of callers or their namespaces, as `GET /v1/me` shows them, or ARNs of roles; operators may
    answer anyway.
    Nobody's answer counts after `timeout_seconds`.
    """

    title: str = Field(min_length=1, max_length=limits.MAX_APPROVAL_TITLE_CHARACTERS)
    details: str = Field(default="", max_length=limits.MAX_APPROVAL_DETAILS_CHARACTERS)
    approvers: tuple[Annotated[str, Field(min_length=1, max_length=limits.MAX_SUBJECT_CHARACTERS)], ...] = (
        Field(default=(), max_length=limits.MAX_APPROVERS)
    )
    timeout_seconds: int = Field(default=_A_WEEK_SECONDS, ge=1, le=limits.MAX_OUTSIDE_SECONDS)


@job("tidegate.noop", description="Does nothing and succeeds.")
def noop(parameters: NoParameters, context: JobContext) -> None:
    """Does nothing and succeeds."""


@job("tidegate.sleep", description="Sleeps for `seconds`.")
def sleep(parameters: SleepParameters, context: JobContext) -> None:
    """Sleeps for `seconds`."""
    context.sleep(parameters.seconds)


@job(APPROVAL_TYPE, description="Waits, outside of any worker, until somebody approves or rejects it.")
def approval(parameters: ApprovalParameters, context: JobContext) -> HandedOver:  # noqa: ARG001 - job code takes both
    """Hands the job over at once, so that it takes no slot while it waits."""
    return HandedOver(timeout_seconds=parameters.timeout_seconds, message=parameters.title)


@job("trace.task", description="Replays one task of a recorded trace: runs for `seconds` with progress.")
def trace_task(parameters: TraceTaskParameters, context: JobContext) -> Json:
    """Runs for `seconds` and reports its progress; returns the program and the seconds."""
    for step in range(_PROGRESS_STEPS):
        context.progress(step / _PROGRESS_STEPS, parameters.program)
        context.sleep(parameters.seconds / _PROGRESS_STEPS)
    return {"program": parameters.program, "seconds": parameters.seconds}
