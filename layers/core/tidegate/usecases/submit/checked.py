"""Holds what validation learns about a submission, so that nothing after it reads that again."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.errors import Violation
from tidegate.domain.pools import Pool
from tidegate.domain.requests import JobRequest, ShareRequest
from tidegate.usecases.pools.lanes import LanesByPool


@dataclass(frozen=True, slots=True)
class JobInRequest:
    """A job as it stands in its request, with what the job takes from the workflow around it.

    `field` is the job's path in the request, empty for a job submitted alone. `share` and `priority` are the job's
    own, the workflow's or the defaults. `pools` are those that the job may run
    in, best guess first. They are empty if no pool fits, and then `misfits` says why.
    `may_run_twice` says whether the job's type allows a second attempt, None for an unknown type.
    """

    request: JobRequest
    field: str
    share: ShareRequest | None
    priority: int
    pools: tuple[Pool, ...]
    misfits: tuple[Violation, ...] = ()
    may_run_twice: bool | None = None

    def path(self, name: str) -> str:
        """Returns the path of one of the job's fields in the request."""
        return path_in(self.field, name)


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """The jobs of a valid submission, and the lanes of each pool that one of its jobs with a share may run in.

    `lanes` are by pool and name, as they stood when the submission was validated.
    """

    jobs: tuple[JobInRequest, ...]
    lanes: LanesByPool


def path_in(field: str, name: str) -> str:
    """Returns the path of a field of the job at the path `field`."""
    return f"{field}.{name}" if field else name
