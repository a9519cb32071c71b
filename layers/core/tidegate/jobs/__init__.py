"""The names that job code imports: `from tidegate.jobs import HandlerError, JobContext, Parameters, job`."""

from __future__ import annotations

from tidegate.domain.errors import HandlerError, JobCancelled, JobTimedOut
from tidegate.jobs.context import (
    JobContext,
    Upstream,
)
from tidegate.jobs.registry import (
    Parameters,
    job,
)

__all__ = [
    "HandlerError",
    "JobCancelled",
    "JobContext",
    "JobTimedOut",
    "Parameters",
    "Upstream",
    "job",
]
