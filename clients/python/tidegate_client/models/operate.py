"""Pools, job types, shares, workers and callers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from tidegate_client.models.base import Model
from tidegate_client.models.states import JobState


class RuleChange(Model):
    """The last change of a rule."""

    by: str
    at: datetime | None = None


class Count(Model):
    """A number of jobs, counted up to a bound; `more` says that there are more."""

    count: int
    more: bool


class PoolChanges(Model):
    """The last change of each rule of a pool."""

    paused: RuleChange | None = None


class Pool(Model):
    """A pool with its load and its rules."""

    capacity: int
    workers: int
    ready: Count
    held: Count
    active: Count
    limited: Mapping[str, int] = Field(default_factory=dict)
    fault: str
    name: str
    deployed: bool
    kind: str | None = None
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] = Field(default_factory=dict)
    max_timeout_seconds: int | None = None
    window: float
    paused: bool
    changes: PoolChanges


class Redriven(Model):
    """How many of the failed jobs that one call looked at it redrove. `cursor` continues, None at the end."""

    pool: str
    redriven: int
    looked_at: int
    cursor: str | None = None
    dry_run: bool = False


class Share(Model):
    """A share of a pool. `by` is the operator that set it last."""

    pool: str
    share: str
    weight: int
    max_priority: int | None = None
    max_waiting: int | None = None
    by: str
    at: datetime | None = None


class TypeChanges(Model):
    """The last change of each rule of a job type."""

    paused: RuleChange | None = None
    max_running: RuleChange | None = None


class AnnouncedType(Model):
    """Where and when a worker of `pool` announced a type. Without a worker that has it, it is unknown at `fades_at`.

    `live_workers` is how many live workers of the pool can have it: all but those that report that they lack it. It is
    None where the API is of an earlier version.
    """

    pool: str
    worker_id: str
    at: datetime
    seen_at: datetime
    fades_at: datetime
    live_workers: int | None = None


class JobType(Model):
    """A job type with the JSON Schema of its parameters, None where there is none or it is too long.

    `source` is `deployed`, or `announced` where only worker processes have the type; `announced` says then where and
    when. `second_attempt` says whether a straggler of the type may get a second attempt. Each is None where nobody has
    the type, or the service is of a version that does not tell.
    """

    type: str
    description: str | None = None
    deployed: bool
    source: Literal["deployed", "announced"] | None = None
    announced: AnnouncedType | None = None
    second_attempt: bool | None = None
    paused: bool
    max_running: int | None = None
    changes: TypeChanges
    parameters_schema: Mapping[str, Any] | None = None


class AllSessions(Model):
    """The counts of all sessions under a worker's id, `since` the first of them began."""

    since: datetime | None = None
    sessions: int
    claimed: int
    succeeded: int
    failed: int
    handed_back: int
    lost: int


class Worker(Model):
    """A worker. Its own counts are those of its present session."""

    worker_id: str
    pool: str
    session_id: str
    name: str | None = None
    host: str
    state: str
    live: bool
    slots: int
    running: int
    claimed: int
    succeeded: int
    failed: int
    handed_back: int
    lacking: tuple[str, ...] = ()
    fault: str | None = None
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] = Field(default_factory=dict)
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    drain_requested_at: datetime | None = None
    drain_requested_by: str | None = None
    clock_off_seconds: float
    response_seconds: float | None = None
    heartbeat_age_seconds: float | None = None
    all_sessions: AllSessions | None = None


class WorkerJob(Model):
    """A job of a worker. While it runs, `began_at` minus `started_at` is the time from its claim to its code."""

    job_id: str
    key: str | None = None
    name: str | None = None
    type: str
    state: JobState
    attempt: int
    started_at: datetime | None = None
    began_at: datetime | None = None
    finished_at: datetime | None = None
    actual_duration_seconds: float | None = None
    error_code: str | None = None


class WorkerJobs(Model):
    """The jobs that a worker runs, longest first, and those that it ran lately, latest first.

    `complete` says that all active jobs of its pool were looked at. Jobs that ended before `ended_since` may be
    missing; None where none can be.
    """

    running: tuple[WorkerJob, ...] = ()
    ended: tuple[WorkerJob, ...] = ()
    complete: bool
    ended_since: datetime | None = None


class Grant(Model):
    """The grant of a caller. `by` is the operator that made it."""

    namespace: str
    role: str
    namespaces: tuple[str, ...] = ()
    by: str
    at: datetime | None = None


class Me(Model):
    """The caller of this request, what is granted to it, and the deployment that it talks to.

    `role` is what the grants allow; IAM's policies may allow less. `scopes` is None if the caller's token names
    none.
    """

    subject: str | None = None
    display: str
    kind: str
    namespace: str
    namespaces: tuple[str, ...] = ()
    role: str
    scopes: tuple[str, ...] | None = None
    version: str
    stage: str
    stack: str | None = None


class Caller(Model):
    """A caller. `subject` is None if it is not known."""

    subject: str | None = None
    display: str
    kind: str


class Act(Model):
    """One act that a caller asked for, and what became of it."""

    id: str
    at: datetime | None = None
    act: str
    subject: str
    route: str
    caller: Caller
    outcome: str
    code: str | None = None
    ended_at: datetime | None = None
    before: Mapping[str, str | int | float | bool | None] = Field(default_factory=dict)
    after: Mapping[str, str | int | float | bool | None] = Field(default_factory=dict)


class Health(Model):
    """The constant answer of the gateway."""

    status: str


class Schedule(Model):
    """A schedule. `last_at` is None before its first run."""

    name: str
    last_at: datetime | None = None
    expected_every_seconds: int
    alive: bool


class StreamReader(Model):
    """A reader of the stream of jobs. `idle` says that it read nothing lately, and missed no job that is known."""

    name: str
    last_at: datetime | None = None
    expected_every_seconds: int
    alive: bool
    idle: bool


class PoolPaused(Model):
    """A pool, and whether an operator has paused it."""

    name: str
    paused: bool


class Status(Model):
    """The status of the deployment. `healthy` is true if every schedule and every stream is alive."""

    healthy: bool
    version: str
    schedules: tuple[Schedule, ...] = ()
    streams: tuple[StreamReader, ...] = ()
    pools: tuple[PoolPaused, ...] = ()
