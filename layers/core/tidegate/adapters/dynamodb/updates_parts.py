"""The parts that the writes of several transitions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import JobCodec, failure_values, history_line, json_text
from tidegate.adapters.dynamodb.statements import Clause, Update
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain import transitions
from tidegate.domain.job import NEVER_MS, HistoryEntry, Job
from tidegate.domain.lanes import share_lane
from tidegate.domain.states import Group, State


def begun(began_at_ms: int | None) -> Mapping[str, Plain]:
    """Returns the value that says when the attempt's code began; none if it has not begun."""
    return {} if began_at_ms is None else {schema.BEGAN_AT: began_at_ms}


def line(state: State, stamp: transitions.Stamp) -> str:
    """Returns the line that a transition adds to the history."""
    return history_line(stamp.now_ms, state, stamp.actor, stamp.reason, stamp.logs)


def to_ready(
    codec: JobCodec,
    job: Job,
    stamp: transitions.Stamp,
    condition: Clause,
    pool: str | None = None,
) -> Update:
    """Returns the write that makes a job READY, ranked by its tries; `pool` changes its pool."""
    stamp = transitions.when_ready(job, stamp)
    ready_at_ms = stamp.now_ms
    sort = job.rank_under(codec.rank_policy, ready_at_ms)
    lane = share_lane(job.share)
    return Update(
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


def to_end(
    codec: JobCodec, job: Job, ending: transitions.Ending, stamp: transitions.Stamp, condition: Clause
) -> Update:
    """Returns the write that puts a job into an ended state. `job` has the counts of its life as after the end."""
    ending, stamp = transitions.ending_after_latest(job, ending, stamp)
    last = HistoryEntry(stamp.now_ms, ending.state, job.attempt, stamp.actor)
    began_at_ms = job.began_at_ms if ending.began_at_ms is None else ending.began_at_ms
    figures = transitions.figures_of_end(job, (*job.history, last), began_at_ms).packed()
    return Update(
        condition,
        {
            schema.STATE: str(ending.state),
            **codec.index_values(job.job_id, job.pool, Group(ending.state.value), stamp.now_ms),
            schema.RESULT: json_text(ending.result),
            schema.RESULT_OVERFLOW: ending.result_overflow or None,
            **failure_values(ending.failure),
            **({} if ending.began_at_ms is None else {schema.STARTED_AT: ending.began_at_ms}),
            **begun(ending.began_at_ms),
            schema.FINISHED_AT: stamp.now_ms,
            schema.FIGURES: figures,
            schema.HELD_IN: None,
            schema.LEASE_EXPIRES_AT: None,
            schema.DUE_AT: None,
            **({schema.ON_HOLD: None} if job.on_hold else {}),
            schema.WAITING_ON: None,
            schema.EXPIRES_AT: ending.expires_at_s,
        },
        append=line(ending.state, stamp),
    )


def to_scheduled(
    codec: JobCodec, job: Job, due_at_ms: int, stamp: transitions.Stamp, condition: Clause
) -> Update:
    """Returns the write that makes a job SCHEDULED until `due_at_ms`."""
    return Update(
        condition,
        {
            schema.STATE: str(State.SCHEDULED),
            **codec.index_values(
                job.job_id, job.pool, Group.SCHEDULED, NEVER_MS if job.on_hold else due_at_ms
            ),
            schema.DUE_AT: due_at_ms,
        },
        append=line(State.SCHEDULED, transitions.after_latest(job, stamp)),
    )


def with_values(update: Update, **values: Plain) -> Update:
    """Returns the write with further values to set."""
    return replace(update, values={**update.values, **values})
