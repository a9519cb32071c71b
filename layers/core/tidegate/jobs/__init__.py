"""The names that job code imports: `from tidegate.jobs import JobError, JobContext, Parameters, job`."""

from __future__ import annotations

from tidegate.domain.errors import JobCancelled, JobError, JobTimedOut
from tidegate.domain.outside import HandedOver
from tidegate.jobs.context import JobContext, Upstream
from tidegate.jobs.registry import Parameters, job

__all__ = [
    "HandedOver",
    "JobCancelled",
    "JobContext",
    "JobError",
    "JobTimedOut",
    "Parameters",
    "Upstream",
    "job",
]
