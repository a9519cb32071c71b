"""A transition and its effect on a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.domain.job import Job
from tidegate.domain.transitions import Transition


@dataclass(frozen=True)
class Case:
    """One case: `after` is `job` after `transition`. Every job of `refused` breaks the condition that its key names."""

    transition: Transition
    job: Job
    after: Job
    refused: Mapping[str, Job] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{type(self.transition).__name__} {self.job.state}-{self.after.state}"
