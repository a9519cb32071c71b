"""The code of a target as the registry keeps it: a function of parameters and context, as that of a Python job is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.domain.targets import Command, Target
from tidegate.jobs.context import JobContext
from tidegate.jobs.targets.bounds import Bounds
from tidegate.jobs.targets.command import run_command
from tidegate.jobs.targets.support import TargetSupport


@dataclass(frozen=True, slots=True)
class TargetCode:
    """Runs the attempts of one target. `folder` holds its targets.yaml."""

    target: Target
    folder: Path
    support: TargetSupport

    def __call__(self, parameters: Mapping[str, Json], context: JobContext) -> Json:
        """Runs one attempt to its end; returns its result. Raises JobError, JobCancelled and JobTimedOut."""
        bounds = Bounds(context, self.target.timeout_seconds)
        work = self.target.work
        if isinstance(work, Command):
            return run_command(work, self.folder, parameters, context, bounds)
        run = self.support.services.get(type(work))
        if run is None:
            raise JobError(
                f"{self.target.name} is a target that calls a service; it runs in worker processes only",
                code="needs-process",
                retryable=False,
            )
        return run(work, parameters, context, bounds)
