"""The parts that several transitions write: the ways into READY, into SCHEDULED and into an ended state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import (
    JobCodec,
    failure_values,
    json_text,
    progress_values,
)
from tidegate.adapters.dynamodb.statements import (
    Change,
    Clause,
)
from tidegate.adapters.dynamodb.texts import history_line
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain import transitions as moves
from tidegate.domain.job import Job
from tidegate.domain.lanes import share_lane
from tidegate.domain.states import Group, State

NO_PROGRESS: Mapping[str, Plain] = MappingProxyType(progress_values(None))


def begun(began_at_ms: int | None) -> Mapping[str, Plain]:
    """Returns the value that says when the attempt's code began; none if it has not begun."""
    return {} if began_at_ms is None else {schema.BEGAN_AT: began_at_ms}


def line(state: State, stamp: moves.Stamp) -> str:
    """Returns the line that a transition adds to the history."""
    return history_line(stamp.now_ms, state, stamp.actor, stamp.reason)


def to_ready(
    codec: JobCodec,
    job: Job,
    stamp: moves.Stamp,
    condition: Clause,
    pool: str | None = None,
) -> Change:
    """Returns the write that makes a job READY, ranked by its tries; `pool` changes its pool."""
    stamp = moves.when_ready(job, stamp)
    ready_at_ms = stamp.now_ms
    sort = codec.rank_of(job, ready_at_ms)
    lane = share_lane(job.share)
    return Change(
        condition,
        {
            schema.STATE: str(State.READY),
            **codec.index_values(job.job_id, pool or job.pool, Group.READY, sort, lane),
            **({schema.POOL: pool} if pool else {}),
            schema.READY_AT: ready_at_ms,
            schema.DUE_AT: None,
            schema.LEASE_EXPIRES_AT: None,
            schema.WAITING_ON: None,
        },
        append=line(State.READY, stamp),
    )


def to_end(codec: JobCodec, job: Job, ending: moves.Ending, stamp: moves.Stamp, condition: Clause) -> Change:
    """Returns the write that puts a job into an ended state."""
    ending, stamp = moves.ending_after_latest(job, ending, stamp)
    return Change(
        condition,
        {
            schema.STATE: str(ending.state),
            **codec.index_values(job.job_id, job.pool, Group(ending.state.value), stamp.now_ms),
            schema.RESULT: json_text(ending.result),
            schema.RESULT_APART: ending.result_apart or None,
            **failure_values(ending.failure),
            **({} if ending.began_at_ms is None else {schema.STARTED_AT: ending.began_at_ms}),
            **begun(ending.began_at_ms),
            schema.FINISHED_AT: stamp.now_ms,
            schema.HELD_IN: None,
            schema.LEASE_EXPIRES_AT: None,
            schema.DUE_AT: None,
            schema.WAITING_ON: None,
            schema.EXPIRES_AT: ending.expires_at_s,
        },
        append=line(ending.state, stamp),
    )


def to_scheduled(codec: JobCodec, job: Job, due_at_ms: int, stamp: moves.Stamp, condition: Clause) -> Change:
    """Returns the write that makes a job SCHEDULED until `due_at_ms`."""
    return Change(
        condition,
        {
            schema.STATE: str(State.SCHEDULED),
            **codec.index_values(job.job_id, job.pool, Group.SCHEDULED, due_at_ms),
            schema.DUE_AT: due_at_ms,
        },
        append=line(State.SCHEDULED, moves.after_latest(job, stamp)),
    )


def with_values(change: Change, **values: Plain) -> Change:
    """Returns the write with further values to set."""
    return replace(change, values={**change.values, **values})
