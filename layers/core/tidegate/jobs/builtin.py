"""Job types that every deployment has."""

from __future__ import annotations

from pydantic import Field

from tidegate.domain import limits
from tidegate.domain.job import Json
from tidegate.jobs.context import JobContext
from tidegate.jobs.registry import (
    Parameters,
    job,
)

_PROGRESS_STEPS = 20


class NoParameters(Parameters):
    """A job that takes none."""


class SleepParameters(Parameters):
    """How long to sleep, in seconds."""

    seconds: float = Field(ge=0, le=limits.MAX_TIMEOUT_SECONDS)


class TraceTaskParameters(Parameters):
    """One task of a replayed trace: how long it takes, in seconds, and what it was in the trace."""

    seconds: float = Field(ge=0, le=limits.MAX_TIMEOUT_SECONDS)
    program: str = Field(default="", max_length=limits.MAX_NAME_CHARACTERS)


@job("tidegate.noop", description="Does nothing and succeeds.")
def noop(parameters: NoParameters, context: JobContext) -> None:
    """Does nothing and succeeds."""


@job("tidegate.sleep", description="Sleeps for `seconds`.")
def sleep(parameters: SleepParameters, context: JobContext) -> None:
    """Sleeps for `seconds`."""
    context.sleep(parameters.seconds)


@job("trace.task", description="Replays one task of a recorded trace: lasts `seconds`, saying how far it is.")
def trace_task(parameters: TraceTaskParameters, context: JobContext) -> Json:
    """Lasts `seconds`, saying how far it is; returns what it replayed."""
    for step in range(_PROGRESS_STEPS):
        context.progress(step / _PROGRESS_STEPS, parameters.program)
        context.sleep(parameters.seconds / _PROGRESS_STEPS)
    return {"program": parameters.program, "seconds": parameters.seconds}
