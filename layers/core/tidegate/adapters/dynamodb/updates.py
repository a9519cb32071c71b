"""Translates each transition of the domain into one conditional write.

`Transition.apply` defines a transition in the domain; this file defines it again for DynamoDB, and the contract tests
hold the two together. A claim and a heartbeat leave the index's attributes alone, so they cost no index writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import (
    JobCodec,
    failure_values,
    history_line,
    history_lines,
    json_text,
    progress_values,
)
from tidegate.adapters.dynamodb.statements import (
    Change,
    Clause,
    absent,
    all_of,
    at_most,
    attempt_holds,
    attempt_is,
    equals,
    in_state,
    lease_expired,
    lost_workers,
    never,
    not_cancelled,
    ready_since,
    reopened_times,
    tried_times,
    waiting_for,
    waiting_only_on,
)
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain import transitions as moves
from tidegate.domain.dispatches import without_old_dispatches
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.lanes import share_lane
from tidegate.domain.lives import kept_history, may_be_reopened, without_old_interruptions
from tidegate.domain.states import FAILURES, REOPENABLE, TERMINAL, Group, State

# --- the parts that several transitions write ----------------------------------------------------

_NO_PROGRESS: Mapping[str, Plain] = MappingProxyType(progress_values(None))


def _begun(began_at_ms: int | None) -> Mapping[str, Plain]:
    """Returns the value that says when the attempt's code began; none if it has not begun."""
    return {} if began_at_ms is None else {schema.BEGAN_AT: began_at_ms}


def _line(state: State, stamp: moves.Stamp) -> str:
    """Returns the line that a transition adds to the history."""
    return history_line(stamp.now_ms, state, stamp.actor, stamp.reason)


def _to_ready(
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
        append=_line(State.READY, stamp),
    )


def _to_end(codec: JobCodec, job: Job, ending: moves.Ending, stamp: moves.Stamp, condition: Clause) -> Change:
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
            **_begun(ending.began_at_ms),
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
    """Returns the write that makes a job SCHEDULED until `due_at_ms`."""
    return Change(
        condition,
        {
            schema.STATE: str(State.SCHEDULED),
            **codec.index_values(job.job_id, job.pool, Group.SCHEDULED, due_at_ms),
            schema.DUE_AT: due_at_ms,
        },
        append=_line(State.SCHEDULED, moves.after_latest(job, stamp)),
    )


def _with_values(change: Change, **values: Plain) -> Change:
    """Returns the write with further values to set."""
    return replace(change, values={**change.values, **values})


# --- each transition -----------------------------------------------------------------------------


def _pending_in_the_life_of(job: Job) -> Clause:
    return all_of(in_state(State.PENDING), reopened_times(job.reopened))


def _release(_: JobCodec, move: moves.ReleaseIfPending) -> Change:
    return Change(_pending_in_the_life_of(move.job), release=frozenset(move.ordinals))


def _ready_if_waiting_only_on(codec: JobCodec, move: moves.ReadyIfWaitingOnlyOn) -> Change:
    job = move.job
    condition = all_of(_pending_in_the_life_of(job), waiting_only_on(move.ordinals))
    if move.is_early and job.not_before_ms is not None:
        change = _to_scheduled(codec, job, job.not_before_ms, move.stamp, condition)
        return _with_values(change, **{schema.WAITING_ON: None})
    return _to_ready(codec, job, move.stamp, condition, move.pool)


def _skip(codec: JobCodec, move: moves.SkipIfPending) -> Change:
    condition = all_of(_pending_in_the_life_of(move.job), waiting_for(move.ordinal))
    return _to_end(codec, move.job, move.ending, move.stamp, condition)


def _ready_if_due(codec: JobCodec, move: moves.ReadyIfDue) -> Change:
    job, now_ms = move.job, move.stamp.now_ms
    # The rank depends on the tries, so the tries that were read must still be current. They may change in one attempt.
    condition = all_of(
        in_state(State.SCHEDULED),
        at_most(schema.DUE_AT, now_ms),
        attempt_is(job.attempt),
        reopened_times(job.reopened),
        tried_times(job.tries),
    )
    return _to_ready(codec, job, move.stamp, condition, move.pool)


def _dispatch(codec: JobCodec, move: moves.DispatchIfReady) -> Change:
    now_ms = move.at.now_ms
    return Change(
        _ready_in(move.pool, move.ready_at_ms),
        {
            schema.STATE: str(State.QUEUED),
            **codec.index_values(move.job_id, move.pool, Group.ACTIVE, now_ms),
            schema.QUEUED_AT: now_ms,
            schema.SENT_AT: now_ms,
            schema.HELD_IN: None,
        },
        append=_line(State.QUEUED, move.at),
    )


def _hold(codec: JobCodec, move: moves.HoldIfReady) -> Change:
    key = codec.group_key(move.job_id, move.pool, Group.READY, move.lane)
    return Change(_ready_in(move.pool), {schema.GROUP_KEY: key, schema.HELD_IN: move.lane})


def _pass_over(codec: JobCodec, move: moves.PassOverIfReady) -> Change:
    job = move.job
    condition = all_of(in_state(State.READY), equals(schema.READY_AT, job.ready_at_ms))
    passed_over = replace(job, ready_at_ms=move.ready_at_ms)
    sort = codec.rank_of(job, move.ready_at_ms, passes=passed_over.passes)
    return Change(condition, {schema.READY_AT: move.ready_at_ms, schema.GROUP_SORT: sort})


def _ready_in(pool: str, ready_at_ms: int | None = None) -> Clause:
    since = [] if ready_at_ms is None else [equals(schema.READY_AT, ready_at_ms)]
    return all_of(in_state(State.READY), equals(schema.POOL, pool), *since)


def _resend(_: JobCodec, move: moves.ResendIfStillQueued) -> Change:
    condition = all_of(in_state(State.QUEUED), equals(schema.SENT_AT, move.sent_at_ms))
    return Change(condition, {schema.SENT_AT: move.stamp.now_ms})


def _claim(_: JobCodec, move: moves.ClaimIfQueued) -> Change:
    return _to_running(move, move.at, all_of(in_state(State.QUEUED), attempt_is(move.attempt)))


def _claim_again(_: JobCodec, move: moves.ClaimAgainIfLeaseExpired) -> Change:
    orphaned = all_of(
        attempt_holds(move.attempt),
        reopened_times(move.job.reopened),
        lost_workers(move.job.worker_losses),
        lease_expired(move.stamp.now_ms),
        not_cancelled(),
    )
    if not move.job.may_lose_its_worker:
        orphaned = all_of(orphaned, never())
    at = moves.after_latest(move.job, move.stamp)
    return _with_values(_to_running(move, at, orphaned), **_without_worker(move.job))


def _to_running(
    move: moves.ClaimIfQueued | moves.ClaimAgainIfLeaseExpired, at: moves.Stamp, condition: Clause
) -> Change:
    return Change(
        condition,
        {
            schema.STATE: str(State.RUNNING),
            schema.WORKER_ID: move.worker_id,
            schema.LEASE_EXPIRES_AT: move.lease_expires_at_ms,
            schema.STARTED_AT: at.now_ms,
            **_NO_PROGRESS,
        },
        add={schema.ATTEMPT: 1},
        append=_line(State.RUNNING, at),
    )


# A job's counts for its life change only in the write that ends an attempt. So under the attempt's condition, the
# counts that were read after its claim are still current, and so is the history.


def _without_worker(job: Job) -> dict[str, Plain]:
    return {schema.WORKER_LOSSES: job.worker_losses + 1}


def _begin(_: JobCodec, move: moves.BeginIfAttemptHolds) -> Change:
    return Change(attempt_holds(move.attempt), _begun(move.began_at_ms))


def _heartbeat(_: JobCodec, move: moves.HeartbeatIfAttemptHolds) -> Change:
    progress = progress_values(move.progress) if move.progress else {}
    lease = {schema.LEASE_EXPIRES_AT: move.lease_expires_at_ms}
    return Change(attempt_holds(move.attempt), {**lease, **_begun(move.began_at_ms), **progress})


def _finish(codec: JobCodec, move: moves.FinishIfAttemptHolds) -> Change:
    change = _to_end(codec, move.job, move.ending, move.stamp, attempt_holds(move.attempt))
    if move.ending.state not in FAILURES:
        return change
    return _with_values(change, **{schema.TRIES: move.job.tries + 1})


def _retry(codec: JobCodec, move: moves.RetryIfAttemptHolds) -> Change:
    condition = all_of(attempt_holds(move.attempt), not_cancelled())
    change = _to_scheduled(codec, move.job, move.due_at_ms, move.stamp, condition)
    tried: dict[str, Plain] = {schema.TRIES: move.job.tries + 1, schema.LEASE_EXPIRES_AT: None}
    return _with_values(change, **failure_values(move.failure), **tried, **_begun(move.began_at_ms))


def _hand_back(codec: JobCodec, move: moves.HandBackIfAttemptHolds) -> Change:
    condition = all_of(attempt_holds(move.attempt), not_cancelled())
    change = _with_values(_to_ready(codec, move.job, move.stamp, condition), **_begun(move.began_at_ms))
    return _with_bounded_history(change, move, without_old_interruptions)


def _with_bounded_history(
    change: Change,
    move: moves.HandBackIfAttemptHolds | moves.TakeBackIfStillQueued,
    bounded: Callable[[Sequence[HistoryEntry]], Sequence[HistoryEntry]],
) -> Change:
    """Returns the write with the whole history set if the bound drops a line; otherwise returns it unchanged.

    The condition of the write must hold only while the history is as it was read.
    """
    job, stamp = move.job, moves.when_ready(move.job, move.stamp)
    last = HistoryEntry(stamp.now_ms, State.READY, move.attempt, stamp.actor, stamp.reason)
    kept = bounded([*job.history, last])
    if len(kept) > len(job.history):
        return change
    return replace(_with_values(change, **{schema.HISTORY: history_lines(kept, move.attempt)}), append=None)


def _ready_if_lease_expired(codec: JobCodec, move: moves.ReadyIfLeaseExpired) -> Change:
    condition = all_of(attempt_holds(move.attempt), lease_expired(move.stamp.now_ms), not_cancelled())
    return _with_values(_to_ready(codec, move.job, move.stamp, condition), **_without_worker(move.job))


def _finish_if_lease_expired(codec: JobCodec, move: moves.FinishIfLeaseExpired) -> Change:
    condition = all_of(attempt_holds(move.attempt), lease_expired(move.stamp.now_ms))
    ended = _to_end(codec, move.job, move.ending, move.stamp, condition)
    return _with_values(ended, **_without_worker(move.job))


def _still_queued(move: moves.FailIfStillQueued | moves.TakeBackIfStillQueued) -> Clause:
    return all_of(
        in_state(State.QUEUED),
        attempt_is(move.attempt),
        reopened_times(move.reopened),
        ready_since(move.job.ready_at_ms),
    )


def _fail_if_still_queued(codec: JobCodec, move: moves.FailIfStillQueued) -> Change:
    return _to_end(codec, move.job, move.ending, move.stamp, _still_queued(move))


def _take_back(codec: JobCodec, move: moves.TakeBackIfStillQueued) -> Change:
    change = _to_ready(codec, move.job, move.stamp, _still_queued(move), move.pool)
    return _with_bounded_history(change, move, without_old_dispatches)


def _cancel(codec: JobCodec, move: moves.CancelIfInState) -> Change:
    states = sorted(moves.CANCELLABLE_AT_ONCE)
    condition = all_of(
        in_state(*states),
        in_state(move.job.state),
        reopened_times(move.job.reopened),
        ready_since(move.job.ready_at_ms),
    )
    return _to_end(codec, move.job, move.ending, move.stamp, condition)


def _request_cancel(_: JobCodec, move: moves.RequestCancelIfRunning) -> Change:
    asked: dict[str, Plain] = {
        schema.CANCEL_REQUESTED_AT: move.stamp.now_ms,
        schema.CANCEL_REQUESTED_BY: move.stamp.actor,
    }
    return Change(in_state(State.RUNNING), set_once=asked)


def _cancel_if_grace_over(codec: JobCodec, move: moves.CancelIfGraceOver) -> Change:
    asked_by_ms = move.stamp.now_ms - move.grace_ms
    condition = all_of(in_state(State.RUNNING), at_most(schema.CANCEL_REQUESTED_AT, asked_by_ms))
    return _to_end(codec, move.job, move.ending, move.stamp, condition)


def _reopen(codec: JobCodec, move: moves.ReopenIfEnded) -> Change:
    job = move.job
    condition = all_of(
        in_state(*sorted(REOPENABLE)),
        in_state(job.state),
        reopened_times(job.reopened),
        attempt_is(job.attempt),
    )
    if not may_be_reopened(job.history):
        condition = all_of(condition, never())
    kept = kept_history(job.history)
    is_whole, last = len(kept) == len(job.history), _line(State.PENDING, moves.after_latest(job, move.stamp))
    # The history of a job that has ended in this life is final, so it can be shortened and written back as it was read.
    shortened = [*history_lines(kept, job.attempt), last]
    cleared = (
        schema.QUEUED_AT,
        schema.SENT_AT,
        schema.STARTED_AT,
        schema.FINISHED_AT,
        schema.WORKER_ID,
        schema.CANCEL_REQUESTED_AT,
        schema.CANCEL_REQUESTED_BY,
        schema.RESULT,
        schema.RESULT_APART,
        schema.EXPIRES_AT,
    )
    return Change(
        condition,
        {
            schema.STATE: str(State.PENDING),
            **codec.index_values(job.job_id, job.pool, Group.PENDING, job.created_at_ms),
            schema.REOPENED: job.reopened + 1,
            schema.TRIES: None,
            schema.WORKER_LOSSES: None,
            schema.BEGAN_AT: 0,
            schema.LEAVES_SKIPPED: move.leave_skipped or None,
            schema.DEPENDENTS_APART: True,
            schema.WATCH_START: True,
            schema.WAITING_ON: frozenset(range(job.dependency_count)) or None,
            **dict.fromkeys(cleared),
            **failure_values(None),
            **_NO_PROGRESS,
            **({} if is_whole else {schema.HISTORY: shortened}),
        },
        append=last if is_whole else None,
    )


def _note_dependents(_: JobCodec, move: moves.NoteDependents) -> Change:
    watch = {schema.WATCH_START: True} if move.watch_start else {}
    return Change(in_state(*State), {schema.DEPENDENTS_APART: True, **watch})


def _keep(_: JobCodec, move: moves.KeepIfEnded) -> Change:
    job = move.job
    kept = (
        absent(schema.EXPIRES_AT) if job.expires_at_s is None else equals(schema.EXPIRES_AT, job.expires_at_s)
    )
    condition = all_of(in_state(*sorted(TERMINAL)), reopened_times(job.reopened), kept)
    return Change(condition, {schema.EXPIRES_AT: move.until_s})


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
        moves.BeginIfAttemptHolds: _begin,
        moves.HeartbeatIfAttemptHolds: _heartbeat,
        moves.FinishIfAttemptHolds: _finish,
        moves.RetryIfAttemptHolds: _retry,
        moves.HandBackIfAttemptHolds: _hand_back,
        moves.ReadyIfLeaseExpired: _ready_if_lease_expired,
        moves.FinishIfLeaseExpired: _finish_if_lease_expired,
        moves.FailIfStillQueued: _fail_if_still_queued,
        moves.TakeBackIfStillQueued: _take_back,
        moves.CancelIfInState: _cancel,
        moves.RequestCancelIfRunning: _request_cancel,
        moves.CancelIfGraceOver: _cancel_if_grace_over,
        moves.ReopenIfEnded: _reopen,
        moves.NoteDependents: _note_dependents,
        moves.KeepIfEnded: _keep,
    }
)


def change_of(codec: JobCodec, transition: moves.Transition) -> Change:
    """Returns the conditional write that carries out `transition`."""
    return CHANGES[type(transition)](codec, transition)
