"""The job types that every deployment has."""

from __future__ import annotations

from pydantic import Field

from tidegate.domain import limits
from tidegate.domain.job import Json
from tidegate.jobs.context import JobContext
from tidegate.jobs.registry import Parameters, job

_PROGRESS_STEPS = 20


class NoParameters(Parameters):
    """The parameters of a job that takes none."""


class SleepParameters(Parameters):
    """The time to sleep, in seconds."""

    seconds: float = Field(ge=0, le=limits.MAX_TIMEOUT_SECONDS)


class TraceTaskParameters(Parameters):
    """One task of a replayed trace: its duration in seconds, and the program that it ran in the trace."""

    seconds: float = Field(ge=0, le=limits.MAX_TIMEOUT_SECONDS)
    program: str = Field(default="", max_length=limits.MAX_NAME_CHARACTERS)


@job("tidegate.noop", description="Does nothing and succeeds.")
def noop(parameters: NoParameters, context: JobContext) -> None:
    """Does nothing and succeeds."""


@job("tidegate.sleep", description="Sleeps for `seconds`.")
def sleep(parameters: SleepParameters, context: JobContext) -> None:
    """Sleeps for `seconds`."""
    context.sleep(parameters.seconds)


@job("trace.task", description="Replays one task of a recorded trace: runs for `seconds` with progress.")
def trace_task(parameters: TraceTaskParameters, context: JobContext) -> Json:
    """Runs for `seconds` and reports its progress; returns the program and the seconds."""
    for step in range(_PROGRESS_STEPS):
        context.progress(step / _PROGRESS_STEPS, parameters.program)
        context.sleep(parameters.seconds / _PROGRESS_STEPS)
    return {"program": parameters.program, "seconds": parameters.seconds}
