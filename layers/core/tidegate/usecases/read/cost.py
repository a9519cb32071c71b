"""Reads what jobs and workflows cost, in units that AWS bills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from tidegate.domain import limits
from tidegate.domain.costs.count import CostBasis, JobCost, cost_of
from tidegate.domain.costs.units import NO_UNITS, Units
from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.job import Job, JobInput, workflow_job_id
from tidegate.domain.submission import Submission
from tidegate.usecases.read.visible import find_job, find_workflow
from tidegate.usecases.services import Services

Loaded = TypeVar("Loaded")
_NO_INPUT: Final = JobInput({})

WORKFLOW_UNITS: Final = Units(write_units=8.0, api_calls=1, invocations=1)
"""A workflow's own units: its record with two entries and two phases, its plan, its graph, and the call.

Plans and graphs of more than 1 KB, and what the recorder writes while the workflow runs, belong to what is shared.
"""


@dataclass(frozen=True, slots=True)
class CostRow:
    """A job with its units."""

    job: Job
    cost: JobCost


@dataclass(frozen=True, slots=True)
class WorkflowCostPage:
    """The costs of some jobs of a workflow, in the order of submission, and the cursor of the next page.

    `own` are the units of the workflow itself; the first page alone has them. `looked_at` counts the places of jobs
    that were looked at. It is more than the rows where jobs have passed their retention.
    """

    submission: Submission
    rows: tuple[CostRow, ...]
    own: Units
    looked_at: int
    cursor: str | None


def read_job_cost(services: Services, job_id: str, *, now_ms: int) -> CostRow:
    """Returns what a job cost until `now_ms`.

    Takes a read of the job, and one for each part that overflowed. Raises NotFound; ServiceUnavailable.
    """
    job = find_job(services, job_id)
    return CostRow(job, _cost_of(services, job, _basis(services, now_ms)))


def read_workflow_cost(
    services: Services, workflow_id: str, *, cursor: str | None, limit: int, now_ms: int
) -> WorkflowCostPage:
    """Returns what the next jobs of a workflow cost until `now_ms`, at most `limit` (1-200) of them.

    Takes a read for each 100 jobs, and two for each job that overflowed, of which a page has at most
    `limits.MAX_COST_OVERFLOWS`. Jobs that have passed their retention are left out. Raises NotFound; InvalidRequest for
    a malformed cursor; ServiceUnavailable.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 5):
        raise InvalidRequest.of("cursor", "is not a cursor of this workflow; leave it out to start over")
    submission = find_workflow(services, workflow_id)
    start = int(cursor) if cursor is not None else 0
    end = min(start + limit, submission.job_count)
    found = services.jobs.get_many([workflow_job_id(workflow_id, index) for index in range(start, end)])
    places = range(start, end)
    jobs = [found.get(workflow_job_id(workflow_id, index)) for index in places]
    fitting = _as_fits(jobs)
    end = start + len(fitting)
    basis = _basis(services, now_ms)
    rows = tuple(CostRow(job, _cost_of(services, job, basis)) for job in fitting if job is not None)
    own = WORKFLOW_UNITS if start == 0 else NO_UNITS
    return WorkflowCostPage(
        submission, rows, own, len(fitting), str(end) if end < submission.job_count else None
    )


def _as_fits(jobs: Sequence[Job | None]) -> Sequence[Job | None]:
    """Returns the first of the jobs, of which at most `MAX_COST_OVERFLOWS` overflowed."""
    overflowed = 0
    for place, job in enumerate(jobs):
        overflowed += job is not None and (job.input is None or job.result_overflow)
        if overflowed > limits.MAX_COST_OVERFLOWS:
            return jobs[:place]
    return jobs


def _basis(services: Services, now_ms: int) -> CostBasis:
    settings = services.settings
    kinds = {name: pool.kind for name, pool in settings.pools.items()}
    return CostBasis(settings.heartbeat_seconds * 1_000, settings.lease_ms, kinds, now_ms)


def _cost_of(services: Services, job: Job, basis: CostBasis) -> JobCost:
    given = _loaded(services.jobs.load_input, job) if job.input is None else None
    result = _loaded(services.jobs.load_result, job) if job.result_overflow else None
    depends_on = (given or job.input or _NO_INPUT).depends_on
    now = services.jobs.stored(job, given, result)
    return cost_of(job, now, services.jobs.stored, basis, depends_on)


def _loaded(load: Callable[[Job], Loaded], job: Job) -> Loaded | None:
    """Returns the overflow that `load` reads; None where it has passed its retention before its job."""
    try:
        return load(job)
    except NotFound:
        return None
