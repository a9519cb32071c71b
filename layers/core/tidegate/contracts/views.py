"""Makes the answers that clients get from values of the domain, and their JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidegate.contracts.responses import (
    ChangeOut,
    JobOut,
    LoadOut,
    PoolOut,
    ResultOut,
    StepOut,
    TimesOut,
    TypeOut,
    WorkerOut,
)
from tidegate.contracts.times import to_wire
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.pools import Pool
from tidegate.domain.rank import RankPolicy, effective_priority
from tidegate.domain.rules import RuleChange, TypeRule
from tidegate.domain.states import State
from tidegate.domain.workers import Worker

MAX_ANSWER_BYTES = 6_000_000  # a function can answer with 6 MiB, of which the rest is for the headers
_LONGEST_ESCAPE = 12  # a character outside the basic plane becomes two times \uXXXX


def to_json(body: Mapping[str, Any]) -> str:
    """Returns a body as JSON text."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=dict)


def fits_in_answer(text: str) -> bool:
    """Tells whether a function can answer with this text, which its own answer holds as a JSON string."""
    if len(text) * _LONGEST_ESCAPE <= MAX_ANSWER_BYTES:
        return True
    return len(json.dumps(text)) <= MAX_ANSWER_BYTES


def job_out(job: Job, policy: RankPolicy, now_ms: int) -> JobOut:
    """Returns a job as clients read it, with its `effective_priority` at `now_ms` (milliseconds) while it is READY."""
    points = None
    if job.state is State.READY and job.ready_at_ms is not None:
        boost = job.critical_path_boost_millipoints
        points = effective_priority(policy, job.priority, job.ready_at_ms, job.tries, now_ms, boost)
    given = job.input
    failure = job.failure
    return {
        "job_id": job.job_id,
        "workflow_id": job.workflow_id,
        "key": job.key,
        "name": job.name,
        "type": job.type,
        "state": job.state,
        "priority": job.priority,
        "effective_priority": points,
        "critical_path_boost": job.critical_path_boost_millipoints / 1_000,
        "pool": job.pool,
        "requires": list(job.requires),
        "share": job.share or None,
        "concurrency_key": job.concurrency_key,
        "concurrency_limit": job.concurrency_limit if job.concurrency_key else None,
        "held_in": job.held_in or None,
        "tags": dict(job.tags),
        "attempt": job.attempt,
        "tries": job.tries,
        "worker_losses": job.worker_losses,
        "reopened": job.reopened,
        "worker": job.worker_id,
        "parameters": given.parameters if given else None,
        "depends_on": [
            {"job_id": edge.upstream_id, "type": edge.type, "condition": edge.condition}
            for edge in (given.depends_on if given else ())
        ],
        "waiting_on_count": len(job.waiting_on),
        **_times_out(job),
        "cancel_requested_by": job.cancel_requested_by,
        "timeout_seconds": job.timeout_seconds,
        "max_retries": job.retry.max_retries,
        "retry": {
            "backoff_seconds": job.retry.backoff_seconds,
            "max_backoff_seconds": job.retry.max_backoff_seconds,
            "never_on": sorted(job.retry.never_on),
            "always_on": sorted(job.retry.always_on),
        },
        "estimated_duration_seconds": job.estimated_duration_seconds,
        "actual_duration_seconds": job.actual_duration_seconds,
        "progress": {"fraction": job.progress.fraction, "message": job.progress.message}
        if job.progress
        else None,
        **_result_out(job),
        "error": (
            {"code": failure.code, "message": failure.message, "upstream_id": failure.upstream_id}
            if failure
            else None
        ),
        "history": [_step_out(entry) for entry in job.history],
    }


def _result_out(job: Job) -> ResultOut:
    return {} if job.result_apart and job.result is None else {"result": job.result}


def _step_out(entry: HistoryEntry) -> StepOut:
    return {
        "at": to_wire(entry.at_ms),
        "state": entry.state,
        "attempt": entry.attempt,
        "actor": entry.actor,
        "reason": entry.reason or None,
    }


def _times_out(job: Job) -> TimesOut:
    return {
        "created_at": to_wire(job.created_at_ms),
        "not_before": to_wire(job.not_before_ms),
        "due_at": to_wire(job.due_at_ms),
        "ready_at": to_wire(job.ready_at_ms),
        "queued_at": to_wire(job.queued_at_ms),
        "started_at": to_wire(job.started_at_ms),
        "began_at": to_wire(job.began_at_ms),
        "finished_at": to_wire(job.finished_at_ms),
        "cancel_requested_at": to_wire(job.cancel_requested_at_ms),
    }


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
        "kind": None if pool is None else pool.kind.value,
        "capabilities": [] if pool is None else sorted(pool.capabilities),
        "tags": {} if pool is None else dict(pool.tags),
        "max_timeout_seconds": None if pool is None else pool.max_timeout_seconds,
        "window": window,
        **load,
        "paused": paused,
        "changes": {"paused": _change(paused_change)},
    }


def type_out(
    job_type: str,
    registered: bool,
    rule: TypeRule,
    paused_change: RuleChange | None,
    limit_change: RuleChange | None,
) -> TypeOut:
    """Returns a job type as clients read it. `registered` says that the deployed job code has it.

    `paused_change` and `limit_change` are the last changes of its pause and its limit.
    """
    return {
        "type": job_type,
        "deployed": registered,
        "paused": rule.paused,
        "max_running": rule.max_running,
        "changes": {"paused": _change(paused_change), "max_running": _change(limit_change)},
    }


def _change(change: RuleChange | None) -> ChangeOut | None:
    return None if change is None else {"by": change.actor, "at": to_wire(change.at_ms)}


def worker_out(worker: Worker, silent_since_ms: int) -> WorkerOut:
    """Returns a worker as clients read it.

    `live` is True where it is ACTIVE or DRAINING with a heartbeat since `silent_since_ms`, in milliseconds since the
    epoch.
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
        "lacking": list(worker.lacking),
        "fault": worker.fault or None,
        "capabilities": sorted(spec.capabilities),
        "tags": dict(spec.tags),
        "started_at": to_wire(worker.started_at_ms),
        "heartbeat_at": to_wire(worker.heartbeat_at_ms),
        "drain_requested_at": to_wire(worker.drain_requested_at_ms),
        "clock_off_seconds": worker.clock_off_ms / 1_000,
    }
