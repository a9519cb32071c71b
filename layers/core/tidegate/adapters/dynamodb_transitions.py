"""Each transition of the domain as one conditional write.

What `Transition.apply` says in the domain is said again here, in DynamoDB's words; the contract suite
holds the two together. A claim and a heartbeat leave the index's attributes alone: no index writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tidegate.adapters import dynamodb_schema as schema
from tidegate.adapters.dynamodb_conditions import (
    Change,
    Clause,
    all_of,
    at_most,
    attempt_holds,
    attempt_is,
    equals,
    in_state,
    lease_expired,
    may_run_again_after,
    not_cancelled,
    not_ended,
    waiting_only_on,
)
from tidegate.adapters.dynamodb_items import JobCodec, failure_values, json_text, progress_values
from tidegate.adapters.dynamodb_texts import history_line
from tidegate.adapters.dynamodb_values import Plain
from tidegate.domain import transitions as moves
from tidegate.domain.job import Job
from tidegate.domain.lanes import share_lane
from tidegate.domain.states import Group, State

_NO_PROGRESS: Mapping[str, Plain] = MappingProxyType(progress_values(None))


def _line(state: State, stamp: moves.Stamp) -> str:
    return history_line(stamp.now_ms, state, stamp.actor, stamp.reason)


def _to_ready(
    codec: JobCodec,
    job: Job,
    attempt: int,
    stamp: moves.Stamp,
    condition: Clause,
    pool: str | None = None,
) -> Change:
    ready_at_ms = moves.next_ready_at_ms(job, stamp.now_ms)
    sort = codec.rank_of(job, ready_at_ms, attempt)
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
        append=_line(State.READY, stamp),
    )


def _to_end(codec: JobCodec, job: Job, ending: moves.Ending, stamp: moves.Stamp, condition: Clause) -> Change:
    return Change(
        condition,
        {
            schema.STATE: str(ending.state),
            **codec.index_values(job.job_id, job.pool, Group(ending.state.value), stamp.now_ms),
            schema.RESULT: json_text(ending.result),
            schema.RESULT_APART: ending.result_apart or None,
            **failure_values(ending.failure),
            **({} if ending.began_at_ms is None else {schema.STARTED_AT: ending.began_at_ms}),
            schema.FINISHED_AT: stamp.now_ms,
            schema.HELD_IN: None,
            schema.LEASE_EXPIRES_AT: None,
            schema.DUE_AT: None,
            schema.WAITING_ON: None,
            schema.EXPIRES_AT: ending.expires_at_s,
        },
        append=_line(ending.state, stamp),
    )


def _to_scheduled(codec: JobCodec, job: Job, due_at_ms: int, stamp: moves.Stamp, condition: Clause) -> Change:
    return Change(
        condition,
        {
            schema.STATE: str(State.SCHEDULED),
            **codec.index_values(job.job_id, job.pool, Group.SCHEDULED, due_at_ms),
            schema.DUE_AT: due_at_ms,
        },
        append=_line(State.SCHEDULED, stamp),
    )


def _with(change: Change, **values: Plain) -> Change:
    return replace(change, values={**change.values, **values})


def _release(_: JobCodec, move: moves.ReleaseIfPending) -> Change:
    return Change(in_state(State.PENDING), release=frozenset(move.ordinals))


def _ready_if_waiting_only_on(codec: JobCodec, move: moves.ReadyIfWaitingOnlyOn) -> Change:
    job = move.job
    # The rank depends on the attempt, so what was read of it must still be true.
    condition = all_of(in_state(State.PENDING), waiting_only_on(move.ordinals), attempt_is(job.attempt))
    if move.is_early and job.not_before_ms is not None:
        change = _to_scheduled(codec, job, job.not_before_ms, move.stamp, condition)
        return _with(change, **{schema.WAITING_ON: None})
    return _to_ready(codec, job, job.attempt, move.stamp, condition, move.pool)


def _skip(codec: JobCodec, move: moves.SkipIfPending) -> Change:
    return _to_end(codec, move.job, move.ending, move.stamp, in_state(State.PENDING))


def _ready_if_due(codec: JobCodec, move: moves.ReadyIfDue) -> Change:
    job, now_ms = move.job, move.stamp.now_ms
    condition = all_of(in_state(State.SCHEDULED), at_most(schema.DUE_AT, now_ms), attempt_is(job.attempt))
    return _to_ready(codec, job, job.attempt, move.stamp, condition, move.pool)


def _dispatch(codec: JobCodec, move: moves.DispatchIfReady) -> Change:
    now_ms = move.stamp.now_ms
    return Change(
        _ready_in(move.pool, move.ready_at_ms),
        {
            schema.STATE: str(State.QUEUED),
            **codec.index_values(move.job_id, move.pool, Group.ACTIVE, now_ms),
            schema.QUEUED_AT: now_ms,
            schema.SENT_AT: now_ms,
            schema.HELD_IN: None,
        },
        append=_line(State.QUEUED, move.stamp),
    )


def _hold(codec: JobCodec, move: moves.HoldIfReady) -> Change:
    key = codec.group_key(move.job_id, move.pool, Group.READY, move.lane)
    return Change(_ready_in(move.pool), {schema.GROUP_KEY: key, schema.HELD_IN: move.lane})


def _pass_over(codec: JobCodec, move: moves.PassOverIfReady) -> Change:
    job = move.job
    condition = all_of(in_state(State.READY), equals(schema.READY_AT, job.ready_at_ms))
    sort = codec.rank_of(job, move.ready_at_ms, job.attempt)
    return Change(condition, {schema.READY_AT: move.ready_at_ms, schema.GROUP_SORT: sort})


def _ready_in(pool: str, ready_at_ms: int | None = None) -> Clause:
    since = [] if ready_at_ms is None else [equals(schema.READY_AT, ready_at_ms)]
    return all_of(in_state(State.READY), equals(schema.POOL, pool), *since)


def _resend(_: JobCodec, move: moves.ResendIfStillQueued) -> Change:
    condition = all_of(in_state(State.QUEUED), equals(schema.SENT_AT, move.sent_at_ms))
    return Change(condition, {schema.SENT_AT: move.stamp.now_ms})


def _claim(_: JobCodec, move: moves.ClaimIfQueued) -> Change:
    return _to_running(move, all_of(in_state(State.QUEUED), attempt_is(move.attempt)))


def _claim_again(_: JobCodec, move: moves.ClaimAgainIfLeaseExpired) -> Change:
    orphaned = all_of(
        attempt_holds(move.attempt),
        may_run_again_after(move.attempt),
        lease_expired(move.stamp.now_ms),
        not_cancelled(),
    )
    return _to_running(move, orphaned)


def _to_running(move: moves.ClaimIfQueued | moves.ClaimAgainIfLeaseExpired, condition: Clause) -> Change:
    return Change(
        condition,
        {
            schema.STATE: str(State.RUNNING),
            schema.WORKER_ID: move.worker_id,
            schema.LEASE_EXPIRES_AT: move.lease_expires_at_ms,
            schema.STARTED_AT: move.stamp.now_ms,
            **_NO_PROGRESS,
        },
        add={schema.ATTEMPT: 1},
        append=_line(State.RUNNING, move.stamp),
    )


def _heartbeat(_: JobCodec, move: moves.HeartbeatIfAttemptHolds) -> Change:
    progress = progress_values(move.progress) if move.progress else {}
    return Change(
        attempt_holds(move.attempt), {schema.LEASE_EXPIRES_AT: move.lease_expires_at_ms, **progress}
    )


def _finish(codec: JobCodec, move: moves.FinishIfAttemptHolds) -> Change:
    return _to_end(codec, move.job, move.ending, move.stamp, attempt_holds(move.attempt))


def _retry(codec: JobCodec, move: moves.RetryIfAttemptHolds) -> Change:
    condition = all_of(attempt_holds(move.attempt), not_cancelled())
    change = _to_scheduled(codec, move.job, move.due_at_ms, move.stamp, condition)
    return _with(change, **failure_values(move.failure), **{schema.LEASE_EXPIRES_AT: None})


def _hand_back(codec: JobCodec, move: moves.HandBackIfAttemptHolds) -> Change:
    condition = all_of(attempt_holds(move.attempt), not_cancelled())
    return _to_ready(codec, move.job, move.attempt, move.stamp, condition)


def _ready_if_lease_expired(codec: JobCodec, move: moves.ReadyIfLeaseExpired) -> Change:
    condition = all_of(attempt_holds(move.attempt), lease_expired(move.stamp.now_ms), not_cancelled())
    return _to_ready(codec, move.job, move.attempt, move.stamp, condition)


def _finish_if_lease_expired(codec: JobCodec, move: moves.FinishIfLeaseExpired) -> Change:
    condition = all_of(attempt_holds(move.attempt), lease_expired(move.stamp.now_ms))
    return _to_end(codec, move.job, move.ending, move.stamp, condition)


def _fail_if_still_queued(codec: JobCodec, move: moves.FailIfStillQueued) -> Change:
    condition = all_of(in_state(State.QUEUED), attempt_is(move.attempt))
    return _to_end(codec, move.job, move.ending, move.stamp, condition)


def _cancel(codec: JobCodec, move: moves.CancelIfInState) -> Change:
    states = sorted(moves.CANCELLABLE_AT_ONCE)
    condition = all_of(in_state(*states), in_state(move.job.state))
    return _to_end(codec, move.job, move.ending, move.stamp, condition)


def _request_cancel(_: JobCodec, move: moves.RequestCancelIfRunning) -> Change:
    return Change(in_state(State.RUNNING), set_once={schema.CANCEL_REQUESTED_AT: move.stamp.now_ms})


def _cancel_if_grace_over(codec: JobCodec, move: moves.CancelIfGraceOver) -> Change:
    asked_by_ms = move.stamp.now_ms - move.grace_ms
    condition = all_of(in_state(State.RUNNING), at_most(schema.CANCEL_REQUESTED_AT, asked_by_ms))
    return _to_end(codec, move.job, move.ending, move.stamp, condition)


def _note_dependents(_: JobCodec, move: moves.NoteDependentsIfOpen) -> Change:
    watch = {schema.WATCH_START: True} if move.watch_start else {}
    return Change(not_ended(), {schema.DEPENDENTS_APART: True, **watch})


CHANGES: Mapping[type[moves.Transition], Callable[[JobCodec, Any], Change]] = MappingProxyType(
    {
        moves.ReleaseIfPending: _release,
        moves.ReadyIfWaitingOnlyOn: _ready_if_waiting_only_on,
        moves.SkipIfPending: _skip,
        moves.ReadyIfDue: _ready_if_due,
        moves.DispatchIfReady: _dispatch,
        moves.HoldIfReady: _hold,
        moves.PassOverIfReady: _pass_over,
        moves.ResendIfStillQueued: _resend,
        moves.ClaimIfQueued: _claim,
        moves.ClaimAgainIfLeaseExpired: _claim_again,
        moves.HeartbeatIfAttemptHolds: _heartbeat,
        moves.FinishIfAttemptHolds: _finish,
        moves.RetryIfAttemptHolds: _retry,
        moves.HandBackIfAttemptHolds: _hand_back,
        moves.ReadyIfLeaseExpired: _ready_if_lease_expired,
        moves.FinishIfLeaseExpired: _finish_if_lease_expired,
        moves.FailIfStillQueued: _fail_if_still_queued,
        moves.CancelIfInState: _cancel,
        moves.RequestCancelIfRunning: _request_cancel,
        moves.CancelIfGraceOver: _cancel_if_grace_over,
        moves.NoteDependentsIfOpen: _note_dependents,
    }
)


def change_of(codec: JobCodec, transition: moves.Transition) -> Change:
    """The conditional write that carries out `transition`."""
    return CHANGES[type(transition)](codec, transition)
