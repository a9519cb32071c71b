"""Costs of jobs and workflows."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate_client.models.base import Model
from tidegate_client.models.states import JobState


class CostUnits(Model):
    """Amounts that AWS bills, and their price in dollars. The seconds are run times by kind of pool."""

    write_units: float
    read_units: float
    sqs_requests: int
    api_calls: int
    invocations: int
    function_seconds: float
    task_seconds: float
    dollars: float


class WastedAttempts(Model):
    """The attempts that did not count, by how they ended, and the dispatches that no worker claimed."""

    failed: int
    handed_back: int
    lost: int
    reopened: int
    taken_back: int
    beside: int = 0


class JobCost(Model):
    """The cost of a job. `useful` is its submission and the attempt that counts, `wasted` everything else.

    `prices` is the date and the region of the list prices.
    """

    job_id: str
    key: str | None = None
    type: str
    state: JobState
    share: str
    tags: Mapping[str, str]
    useful: CostUnits
    wasted: CostUnits
    wasted_attempts: WastedAttempts
    prices: str


class CostGroup(Model):
    """The cost of the jobs of one type, of one share or with one tag. A tag's name is `name=value`."""

    name: str
    jobs: int
    useful: CostUnits
    wasted: CostUnits


class WorkflowCost(Model):
    """The cost of the jobs of a page of a workflow.

    `own` are the workflow's own units, which the first page alone has. `cursor` is None at the end.
    """

    workflow_id: str
    job_count: int
    looked_at: int
    jobs: int
    own: CostUnits
    useful: CostUnits
    wasted: CostUnits
    by_type: tuple[CostGroup, ...] = ()
    by_share: tuple[CostGroup, ...] = ()
    by_tag: tuple[CostGroup, ...] = ()
    prices: str
    cursor: str | None = None
