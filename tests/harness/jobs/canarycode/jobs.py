"""Job types that return their text, and that fail with it."""

from __future__ import annotations

from pydantic import BaseModel

from tidegate.jobs import JobContext, JobError, job


class Text(BaseModel):
    """The parameters: one text."""

    text: str


@job("canary.echo")
def echo(parameters: Text, context: JobContext) -> Text:
    """Reports the text as its progress, and returns it."""
    context.progress(0.5, parameters.text)
    return parameters


@job("canary.crash")
def crash(parameters: Text, context: JobContext) -> None:
    """Raises an error that holds the text."""
    raise ValueError(parameters.text)


@job("canary.refuse")
def refuse(parameters: Text, context: JobContext) -> None:
    """Fails the job with the text, for good."""
    raise JobError(parameters.text, retryable=False, code="canary")
