"""The answers about pools, job types and workers: the model of each and the function that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.announcements import Announcement
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.rules import RuleChange, TypeRule
from tidegate.domain.workers import AllSessions, Worker, WorkerState


class ChangeOut(TypedDict):
    """The last change of a rule."""

    by: str
    at: Time | None


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
    kind: PoolKind | None
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


class AnnouncedOut(TypedDict):
    """Where and when a type was announced: a worker of `pool` described it at `at`.

    A worker last had it just so at `seen_at`. The type is unknown again at `fades_at` if no worker renews it.
    `live_workers` is how many live workers of the pool can have it now: all but those that report that they lack it.
    """

    pool: str
    worker_id: str
    at: Time
    seen_at: Time
    fades_at: Time
    live_workers: int


class TypeOut(TypedDict):
    """A job type with its rules. `description` is null where its job code says nothing, or nobody has the type.

    `deployed` is false where neither the deployed job code nor a worker has the type. `source` is `deployed` where the
    API's own code has it, `announced` where only worker processes have it, and null where nobody has it. `announced`
    says where and when they announced it. `second_attempt` says whether a straggler of the type may get a second
    attempt, null where nobody has the type.
    """

    type: str
    description: str | None
    deployed: bool
    source: Literal["deployed", "announced"] | None
    announced: AnnouncedOut | None
    second_attempt: bool | None
    paused: bool
    max_running: int | None
    changes: TypeChangesOut


class OneTypeOut(TypeOut):
    """A job type with the JSON Schema of its parameters, null where there is none or it is too long."""

    parameters_schema: Mapping[str, Any] | None


class TypeList(TypedDict):
    """All job types."""

    types: list[TypeOut]


class AllSessionsOut(TypedDict):
    """The counts of all sessions under a worker's id, `since` the first of them began."""

    since: Time | None
    sessions: int
    claimed: int
    succeeded: int
    failed: int
    handed_back: int
    lost: int


class WorkerOut(TypedDict):
    """A worker. `response_seconds` is null before its first job."""

    worker_id: str
    pool: str
    session_id: str
    name: str | None
    host: str
    state: WorkerState
    live: bool
    slots: int
    running: int
    claimed: int
    succeeded: int
    failed: int
    handed_back: int
    all_sessions: AllSessionsOut
    response_seconds: float | None
    lacking: list[str]
    fault: str | None
    capabilities: list[str]
    tags: dict[str, str]
    started_at: Time | None
    heartbeat_at: Time | None
    heartbeat_age_seconds: float
    drain_requested_at: Time | None
    drain_requested_by: str | None
    clock_off_seconds: float


class WorkerPageOut(TypedDict):
    """A page of workers. `cursor` asks for the next page, null where there is none.

    Where an order was asked for, there is one page, and `complete` says that every worker was looked at.
    """

    workers: list[WorkerOut]
    cursor: str | None
    complete: NotRequired[bool]


def pool_out(
    name: str,
    pool: Pool | None,
    *,
    window: float,
    load: LoadOut,
    paused: bool,
    paused_change: RuleChange | None,
) -> PoolOut:
    """Returns a pool as clients read it.

    `pool` is None where it is not deployed any more. `window` is a multiple of its capacity. `load` holds its counts of
    jobs, slots and workers. `paused_change` is the last change of its pause.
    """
    return {
        "name": name,
        "deployed": pool is not None,
        "kind": None if pool is None else pool.kind,
        "capabilities": [] if pool is None else sorted(pool.capabilities),
        "tags": {} if pool is None else dict(pool.tags),
        "max_timeout_seconds": None if pool is None else pool.max_timeout_seconds,
        "window": window,
        **load,
        "paused": paused,
        "changes": {"paused": change_out(paused_change)},
    }


def type_out(
    job_type: str,
    description: str,
    registered: bool,
    may_run_twice: bool | None,
    rule: TypeRule,
    paused_change: RuleChange | None,
    limit_change: RuleChange | None,
    announcement: Announcement | None = None,
    live_workers: int = 0,
) -> TypeOut:
    """Returns a job type as clients read it. `registered` says that it is deployed or announced.

    `announcement` is that of a type that only worker processes have, `live_workers` how many live workers can have
    it. `may_run_twice` says whether a straggler of the
    type may get a second attempt, None where nobody has the type.
    `paused_change` and `limit_change` are the last changes of its pause and its limit.
    """
    return {
        "type": job_type,
        "description": description or None,
        "deployed": registered,
        "source": None if not registered else "deployed" if announcement is None else "announced",
        "announced": None if announcement is None else _announced_out(announcement, live_workers),
        "second_attempt": may_run_twice,
        "paused": rule.paused,
        "max_running": rule.max_running,
        "changes": {"paused": change_out(paused_change), "max_running": change_out(limit_change)},
    }


def _announced_out(announcement: Announcement, live_workers: int) -> AnnouncedOut:
    return {
        "pool": announcement.pool,
        "worker_id": announcement.worker_id,
        "at": to_wire(announcement.announced_at_ms) or "",
        "seen_at": to_wire(announcement.seen_at_ms) or "",
        "fades_at": to_wire(announcement.fades_at_ms) or "",
        "live_workers": live_workers,
    }


def change_out(change: RuleChange | None) -> ChangeOut | None:
    """Returns the last change of a rule as clients read it."""
    return None if change is None else {"by": change.actor, "at": to_wire(change.at_ms)}


def _all_sessions_out(counts: AllSessions) -> AllSessionsOut:
    return {
        "since": to_wire(counts.since_ms),
        "sessions": counts.sessions,
        "claimed": counts.totals.claimed,
        "succeeded": counts.totals.succeeded,
        "failed": counts.totals.failed,
        "handed_back": counts.totals.handed_back,
        "lost": counts.lost,
    }


def worker_out(worker: Worker, silent_since_ms: int, now_ms: int) -> WorkerOut:
    """Returns a worker as clients read it.

    `live` is True where it is ACTIVE or DRAINING with a heartbeat since `silent_since_ms`, in milliseconds since the
    epoch, as `now_ms` is.
    """
    spec, totals = worker.spec, worker.totals
    return {
        "worker_id": spec.worker_id,
        "pool": spec.pool,
        "session_id": worker.session_id,
        "name": spec.name,
        "host": spec.host,
        "state": worker.state,
        "live": worker.is_live(silent_since_ms),
        "slots": spec.slots,
        "running": worker.running,
        "claimed": totals.claimed,
        "succeeded": totals.succeeded,
        "failed": totals.failed,
        "handed_back": totals.handed_back,
        "all_sessions": _all_sessions_out(worker.all_sessions),
        "response_seconds": None if worker.response_ms is None else worker.response_ms / 1_000,
        "lacking": list(worker.lacking),
        "fault": worker.fault or None,
        "capabilities": sorted(spec.capabilities),
        "tags": dict(spec.tags),
        "started_at": to_wire(worker.started_at_ms),
        "heartbeat_at": to_wire(worker.heartbeat_at_ms),
        "heartbeat_age_seconds": max(0, now_ms - worker.heartbeat_at_ms) / 1_000,
        "drain_requested_at": to_wire(worker.drain_requested_at_ms),
        "drain_requested_by": worker.drain_requested_by,
        "clock_off_seconds": worker.clock_off_ms / 1_000,
    }
