"""The names that job code imports: `from tidegate.handlers import HandlerError, JobContext, Parameters, job`."""

from __future__ import annotations

from tidegate.domain.errors import HandlerError, JobCancelled, JobTimedOut
from tidegate.handlers.context import JobContext, Upstream
from tidegate.handlers.registry import Parameters, job

__all__ = [
    "HandlerError",
    "JobCancelled",
    "JobContext",
    "JobTimedOut",
    "Parameters",
    "Upstream",
    "job",
]
