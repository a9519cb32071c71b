"""The answers that clients get, as typed dictionaries.

The functions in `views` make them, and the keys keep the order in which those functions write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from tidegate.domain.job import Json


class Accepted(TypedDict):
    """The answer to the submission of one job."""

    job_id: str


class AcceptedWorkflow(TypedDict):
    """The answer to the submission of a workflow. `job_ids` has the id of each job by its key."""

    workflow_id: str
    job_ids: Mapping[str, str]


class DependencyOut(TypedDict):
    """A dependency of a job."""

    job_id: str
    type: str
    condition: str | None


class RetryOut(TypedDict):
    """The backoff of a job, and the codes of errors that are never or always retried."""

    backoff_seconds: int
    max_backoff_seconds: int
    never_on: list[str]
    always_on: list[str]


class ProgressOut(TypedDict):
    """The latest progress that a job reported."""

    fraction: float
    message: str | None


class ErrorOut(TypedDict):
    """The reason why a job ended without success. `upstream_id` is the upstream that it was skipped for."""

    code: str
    message: str
    upstream_id: str | None


class StepOut(TypedDict):
    """One entry of a job's history."""

    at: str | None
    state: str
    attempt: int
    actor: str
    reason: str | None


class TimesOut(TypedDict):
    """The times of a job, null while they have not come."""

    created_at: str | None
    not_before: str | None
    due_at: str | None
    ready_at: str | None
    queued_at: str | None
    started_at: str | None
    began_at: str | None
    finished_at: str | None
    cancel_requested_at: str | None


class ResultOut(TypedDict, total=False):
    """The result of a job. It is left out where it overflowed and was not loaded, because null would mean none."""

    result: Json


class JobOut(TimesOut, ResultOut):
    """A job."""

    job_id: str
    workflow_id: str | None
    key: str | None
    name: str | None
    type: str
    state: str
    priority: int
    effective_priority: float | None
    critical_path_boost: float
    pool: str
    requires: list[str]
    share: str | None
    concurrency_key: str | None
    concurrency_limit: int | None
    held_in: str | None
    tags: dict[str, str]
    attempt: int
    tries: int
    worker_losses: int
    reopened: int
    worker: str | None
    parameters: Mapping[str, Json] | None
    depends_on: list[DependencyOut]
    waiting_on_count: int
    cancel_requested_by: str | None
    timeout_seconds: int
    max_retries: int
    retry: RetryOut
    estimated_duration_seconds: float | None
    actual_duration_seconds: float | None
    progress: ProgressOut | None
    error: ErrorOut | None
    history: list[StepOut]


class JobPage(TypedDict):
    """A page of jobs. `cursor` asks for the next page, null where there is none."""

    jobs: list[JobOut]
    cursor: str | None


class WorkflowOut(JobPage):
    """A workflow with a page of its jobs."""

    workflow_id: str
    name: str | None
    created_at: str | None
    job_count: int


class CancelledOut(TypedDict):
    """How many jobs one call cancelled, asked to stop, found ended and left."""

    cancelled: int
    asked: int
    ended: int
    left: int
    complete: bool


class CancelledJobOut(JobOut):
    """A cancelled job, with the counts of the jobs downstream of it."""

    downstream: CancelledOut


class CancelledWorkflowOut(CancelledOut):
    """The counts of a workflow's cancellation. `cursor` continues it, null where nothing is left."""

    workflow_id: str
    cursor: str | None


class ReopeningOut(TypedDict):
    """How many jobs one call reopened, and how many it left because of a limit or a missing upstream."""

    reopened: int
    left_at_limit: int
    left_without_upstream: int
    complete: bool


class RetriedJobOut(JobOut):
    """A job that was retried by hand, with the counts of the jobs that were reopened with it."""

    reopening: ReopeningOut


class RerunOut(ReopeningOut):
    """The counts of a workflow's rerun. `cursor` continues it, null where it is complete."""

    workflow_id: str
    cursor: str | None


class RedrivenOut(TypedDict):
    """How many of the failed jobs that one call looked at it redrove. `cursor` continues, null at the end."""

    pool: str
    redriven: int
    looked_at: int
    cursor: str | None


class ChangeOut(TypedDict):
    """The last change of a rule."""

    by: str
    at: str | None


class CountOut(TypedDict):
    """A number of jobs, counted up to a bound; `more` says that there are more."""

    count: int
    more: bool


class LoadOut(TypedDict):
    """The load of a pool."""

    capacity: int
    workers: int
    ready: CountOut
    held: CountOut
    active: CountOut
    limited: dict[str, int]
    fault: str


class PoolChangesOut(TypedDict):
    """The last change of each rule of a pool."""

    paused: ChangeOut | None


class PoolOut(LoadOut):
    """A pool with its load and its rules."""

    name: str
    deployed: bool
    kind: str | None
    capabilities: list[str]
    tags: dict[str, str]
    max_timeout_seconds: int | None
    window: float
    paused: bool
    changes: PoolChangesOut


class PoolList(TypedDict):
    """All pools."""

    pools: list[PoolOut]


class TypeChangesOut(TypedDict):
    """The last change of each rule of a job type."""

    paused: ChangeOut | None
    max_running: ChangeOut | None


class TypeOut(TypedDict):
    """A job type with its rules."""

    type: str
    deployed: bool
    paused: bool
    max_running: int | None
    changes: TypeChangesOut


class TypeList(TypedDict):
    """All job types."""

    types: list[TypeOut]


class WorkerOut(TypedDict):
    """A worker."""

    worker_id: str
    pool: str
    session_id: str
    name: str | None
    host: str
    state: str
    live: bool
    slots: int
    running: int
    claimed: int
    succeeded: int
    failed: int
    handed_back: int
    lacking: list[str]
    fault: str | None
    capabilities: list[str]
    tags: dict[str, str]
    started_at: str | None
    heartbeat_at: str | None
    drain_requested_at: str | None
    clock_off_seconds: float


class WorkerPage(TypedDict):
    """A page of workers. `cursor` asks for the next page, null where there is none."""

    workers: list[WorkerOut]
    cursor: str | None
