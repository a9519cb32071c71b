"""The answers about what jobs cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from typing_extensions import TypedDict

from tidegate.domain.costs.count import JobCost
from tidegate.domain.costs.prices import LIST_PRICES, dollars
from tidegate.domain.costs.units import NO_UNITS, Units
from tidegate.domain.job import Job

NO_SHARE = ""
"""The name under which jobs without a share stand."""


class UnitsOut(TypedDict):
    """Amounts that AWS bills, and their price in dollars. The seconds are run times by kind of pool."""

    write_units: float
    read_units: float
    sqs_requests: int
    api_calls: int
    invocations: int
    function_seconds: float
    task_seconds: float
    dollars: float


class WastedAttemptsOut(TypedDict):
    """The attempts that did not count, by how they ended, and the dispatches that no worker claimed.

    `beside` counts those that ran beside the attempt that counted.
    """

    failed: int
    handed_back: int
    lost: int
    reopened: int
    taken_back: int
    beside: int


class JobCostOut(TypedDict):
    """The cost of a job. `useful` is its submission and the attempt that counts, `wasted` everything else."""

    job_id: str
    key: str | None
    type: str
    state: str
    share: str
    tags: dict[str, str]
    useful: UnitsOut
    wasted: UnitsOut
    wasted_attempts: WastedAttemptsOut
    prices: str


class CostGroupOut(TypedDict):
    """The cost of the jobs of one type, of one share or with one tag. A tag's name is `name=value`."""

    name: str
    jobs: int
    useful: UnitsOut
    wasted: UnitsOut


class WorkflowCostOut(TypedDict):
    """The cost of the jobs of a page of a workflow.

    `own` are the workflow's own units, which the first page alone has. `looked_at` counts the jobs that the page
    looked at, `jobs` those that still exist. `cursor` is null at the end; the sums of all pages add up.
    """

    workflow_id: str
    job_count: int
    looked_at: int
    jobs: int
    own: UnitsOut
    useful: UnitsOut
    wasted: UnitsOut
    by_type: list[CostGroupOut]
    by_share: list[CostGroupOut]
    by_tag: list[CostGroupOut]
    prices: str
    cursor: str | None


Rows = Sequence[tuple[Job, JobCost]]


def units_out(units: Units) -> UnitsOut:
    """Returns an amount of units with its price by the list prices."""
    return {
        "write_units": round(units.write_units, 3),
        "read_units": round(units.read_units, 3),
        "sqs_requests": units.sqs_requests,
        "api_calls": units.api_calls,
        "invocations": units.invocations,
        "function_seconds": round(units.function_seconds, 3),
        "task_seconds": round(units.task_seconds, 3),
        "dollars": round(dollars(units, LIST_PRICES), 12),
    }


def job_cost_out(job: Job, cost: JobCost) -> JobCostOut:
    """Makes the answer about one job."""
    return {
        "job_id": job.job_id,
        "key": job.key,
        "type": job.type,
        "state": job.state,
        "share": job.share or NO_SHARE,
        "tags": dict(job.tags),
        "useful": units_out(cost.useful),
        "wasted": units_out(cost.wasted),
        "wasted_attempts": {
            "failed": cost.failed,
            "handed_back": cost.handed_back,
            "lost": cost.lost,
            "reopened": cost.reopened,
            "taken_back": cost.taken_back,
            "beside": cost.beside,
        },
        "prices": prices_name(),
    }


def workflow_cost_out(
    workflow_id: str, job_count: int, looked_at: int, rows: Rows, own: Units, cursor: str | None
) -> WorkflowCostOut:
    """Makes the answer about a page of a workflow's jobs."""
    return {
        "workflow_id": workflow_id,
        "job_count": job_count,
        "looked_at": looked_at,
        "jobs": len(rows),
        "own": units_out(own),
        "useful": units_out(_sum(cost.useful for _, cost in rows)),
        "wasted": units_out(_sum(cost.wasted for _, cost in rows)),
        "by_type": _groups(rows, lambda job: (job.type,)),
        "by_share": _groups(rows, lambda job: (job.share or NO_SHARE,)),
        "by_tag": _groups(rows, _tags_of),
        "prices": prices_name(),
        "cursor": cursor,
    }


def prices_name() -> str:
    """Returns the date and the region of the prices that the dollars rest on."""
    return f"{LIST_PRICES.as_of}, {LIST_PRICES.region}"


def _tags_of(job: Job) -> Iterator[str]:
    return (f"{name}={value}" for name, value in job.tags.items())


def _sum(amounts: Iterable[Units]) -> Units:
    return sum(amounts, NO_UNITS)


def _groups(rows: Rows, names_of: Callable[[Job], Iterable[str]]) -> list[CostGroupOut]:
    """Returns the groups in the order of their names; a job is in each group that `names_of` names."""
    grouped: dict[str, list[JobCost]] = {}
    for job, cost in rows:
        for name in names_of(job):
            grouped.setdefault(name, []).append(cost)
    return [
        {
            "name": name,
            "jobs": len(costs),
            "useful": units_out(_sum(cost.useful for cost in costs)),
            "wasted": units_out(_sum(cost.wasted for cost in costs)),
        }
        for name, costs in sorted(grouped.items())
    ]
