"""Job types that show what a workflow can do: start signals, retries, failures, and who sees what."""

from __future__ import annotations

from pydantic import Field

from tidegate.domain.job import Json
from tidegate.jobs import (
    HandlerError,
    JobContext,
    Parameters,
    job,
)

_STEPS = 20


class NoParameters(Parameters):
    """None are needed."""


class SignalParameters(Parameters):
    """How long the job goes on after it has started, in seconds."""

    seconds: float = Field(ge=0, le=300)


class FlakyParameters(Parameters):
    """How many attempts fail before one succeeds."""

    failing_attempts: int = Field(default=1, ge=0, le=25)


@job("demo.start_signal")
def start_signal(parameters: SignalParameters, context: JobContext) -> Json:
    """Starts, and goes on for a while; who waits only for its start need not wait for its end."""
    for step in range(_STEPS):
        context.progress(step / _STEPS, "on the way")
        context.sleep(parameters.seconds / _STEPS)
    return {"seconds": parameters.seconds}


@job("demo.probe", reads_upstreams=True)
def probe(parameters: NoParameters, context: JobContext) -> Json:  # noqa: ARG001 - as all job code
    """Says in which states it found its upstreams."""
    return {"found": {name: upstream.state.value for name, upstream in context.upstreams.items()}}


@job("demo.flaky")
def flaky(parameters: FlakyParameters, context: JobContext) -> Json:
    """Fails at first, and succeeds when tried again."""
    if context.attempt <= parameters.failing_attempts:
        raise HandlerError(f"attempt {context.attempt} fails, as it should")
    return {"attempts": context.attempt}


@job("demo.broken")
def broken(parameters: NoParameters, context: JobContext) -> None:  # noqa: ARG001 - as all job code
    """Fails for good."""
    raise HandlerError("this job always fails, and trying again would not help", retryable=False)
