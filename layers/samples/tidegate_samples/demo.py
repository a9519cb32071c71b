"""Job types that show the features of workflows: start signals, retries, failures, and the states of upstreams."""

from __future__ import annotations

import logging

from pydantic import Field

from tidegate.domain.job import Json
from tidegate.jobs import JobContext, JobError, Parameters, job

_STEPS = 20


class NoParameters(Parameters):
    """The parameters of a job that needs none."""


class SignalParameters(Parameters):
    """The time that the job runs after its start, in seconds."""

    seconds: float = Field(ge=0, le=300)


class FlakyParameters(Parameters):
    """The number of attempts that fail before one succeeds."""

    failing_attempts: int = Field(default=1, ge=0, le=25)


class TalkParameters(Parameters):
    """The lines to print, the pause behind each one in seconds, and whether the job fails after them."""

    lines: int = Field(default=3, ge=0, le=10_000)
    seconds: float = Field(default=0, ge=0, le=60)
    fails: bool = False


@job("demo.start_signal")
def start_signal(parameters: SignalParameters, context: JobContext) -> Json:
    """Starts and runs for some seconds. A job that waits only for its start (MUST_START) runs meanwhile."""
    for step in range(_STEPS):
        context.progress(step / _STEPS, "on the way")
        context.sleep(parameters.seconds / _STEPS)
    return {"seconds": parameters.seconds}


@job("demo.probe", reads_upstreams=True)
def probe(parameters: NoParameters, context: JobContext) -> Json:  # noqa: ARG001 - as all job code
    """Returns the states in which it finds its upstreams."""
    return {"found": {name: upstream.state.value for name, upstream in context.upstreams.items()}}


@job("demo.flaky")
def flaky(parameters: FlakyParameters, context: JobContext) -> Json:
    """Fails in its first attempts and succeeds in a later one."""
    if context.attempt <= parameters.failing_attempts:
        raise JobError(f"attempt {context.attempt} fails, as it should")
    return {"attempts": context.attempt}


@job("demo.broken")
def broken(parameters: NoParameters, context: JobContext) -> None:  # noqa: ARG001 - as all job code
    """Fails for good."""
    raise JobError("this job always fails, and trying again would not help", retryable=False)


@job("demo.talk")
def talk(parameters: TalkParameters, context: JobContext) -> None:
    """Prints lines, logs that it is done, and fails if it should."""
    for number in range(1, parameters.lines + 1):
        print(f"line {number} of {parameters.lines}", flush=True)  # noqa: T201 - it is what the job is for
        context.sleep(parameters.seconds)
    logging.getLogger("demo").info("all lines are printed")
    if parameters.fails:
        raise ValueError("it was told to fail")
