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
    progress_values,
)
from tidegate.adapters.dynamodb.statements import (
    IN_WORKER,
    Clause,
    Update,
    all_of,
    amended_times,
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
    second_holds,
    tried_times,
    waiting_for,
    waiting_only_on,
)
from tidegate.adapters.dynamodb.updates_by_callers import amend, reopen, rerun
from tidegate.adapters.dynamodb.updates_of_notes import keep, note_dependents, note_judgement
from tidegate.adapters.dynamodb.updates_of_outside import (
    beat_outside,
    finish_outside,
    hand_over,
    retry_outside,
)
from tidegate.adapters.dynamodb.updates_of_second import beat_second, claim_second, end_second, offer_second
from tidegate.adapters.dynamodb.updates_parts import begun, to_end, to_ready, to_scheduled, with_values
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain import transitions
from tidegate.domain.dispatches import without_old_dispatches
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.lives import without_old_interruptions
from tidegate.domain.second_attempts import SecondEnd
from tidegate.domain.states import FAILURES, TRANSITIONS, Group, State

_NO_PROGRESS: Mapping[str, Plain] = MappingProxyType(progress_values(None))


def _pending_in_the_life_of(job: Job) -> Clause:
    return all_of(in_state(State.PENDING), reopened_times(job.reopened))


def _release(_: JobCodec, transition: transitions.ReleaseIfPending) -> Update:
    return Update(_pending_in_the_life_of(transition.job), release=frozenset(transition.ordinals))


def _ready_if_waiting_only_on(codec: JobCodec, transition: transitions.ReadyIfWaitingOnlyOn) -> Update:
    job = transition.job
    condition = all_of(
        _pending_in_the_life_of(job), waiting_only_on(transition.ordinals), amended_times(job.amended)
    )
    if transition.due_at_ms is not None:
        update = to_scheduled(codec, job, transition.due_at_ms, transition.stamp, condition)
        return with_values(update, **{schema.WAITING_ON: None})
    return to_ready(codec, job, transition.stamp, condition, transition.pool)


def _skip(codec: JobCodec, transition: transitions.SkipIfPending) -> Update:
    job = transition.job
    condition = all_of(
        _pending_in_the_life_of(job), waiting_for(transition.ordinal), amended_times(job.amended)
    )
    return to_end(codec, transition.job, transition.ending, transition.stamp, condition)


def _ready_if_due(codec: JobCodec, transition: transitions.ReadyIfDue) -> Update:
    job, now_ms = transition.job, transition.stamp.now_ms
    if job.on_hold:
        return Update(never())  # by the job as it was read; the present one decides
    # The rank depends on the tries, so the tries that were read must still be current. They may change in one attempt.
    condition = all_of(
        in_state(State.SCHEDULED),
        at_most(schema.DUE_AT, now_ms),
        attempt_is(job.attempt),
        reopened_times(job.reopened),
        tried_times(job.tries),
        amended_times(job.amended),
    )
    return to_ready(codec, job, transition.stamp, condition, transition.pool)


def _dispatch(codec: JobCodec, transition: transitions.DispatchIfReady) -> Update:
    at = transition.at
    return Update(
        _ready_in(transition.pool, transition.ready_at_ms),
        {
            schema.STATE: str(State.QUEUED),
            **codec.index_values(transition.job_id, transition.pool, Group.ACTIVE, at.now_ms),
            schema.QUEUED_AT: at.now_ms,
            schema.SENT_AT: at.now_ms,
            schema.HELD_IN: None,
        },
        append=history_line(at.now_ms, State.QUEUED, at.actor, at.reason, at.logs),
    )


def _hold(codec: JobCodec, transition: transitions.HoldIfReady) -> Update:
    key = codec.group_key(transition.job_id, transition.pool, Group.READY, transition.lane)
    return Update(_ready_in(transition.pool), {schema.GROUP_KEY: key, schema.HELD_IN: transition.lane})


def _pass_over(codec: JobCodec, transition: transitions.PassOverIfReady) -> Update:
    job = transition.job
    condition = all_of(
        in_state(State.READY), equals(schema.READY_AT, job.ready_at_ms), amended_times(job.amended)
    )
    passed_over = replace(job, ready_at_ms=transition.ready_at_ms)
    sort = job.rank_under(codec.rank_policy, transition.ready_at_ms, passes=passed_over.passes)
    return Update(condition, {schema.READY_AT: transition.ready_at_ms, schema.GROUP_SORT: sort})


def _ready_in(pool: str, ready_at_ms: int | None = None) -> Clause:
    since = [] if ready_at_ms is None else [equals(schema.READY_AT, ready_at_ms)]
    return all_of(in_state(State.READY), equals(schema.POOL, pool), *since)


def _resend(_: JobCodec, transition: transitions.ResendIfStillQueued) -> Update:
    condition = all_of(in_state(State.QUEUED), equals(schema.SENT_AT, transition.sent_at_ms))
    return Update(condition, {schema.SENT_AT: transition.stamp.now_ms})


def _claim(_: JobCodec, transition: transitions.ClaimIfQueued) -> Update:
    return _to_running(
        transition, transition.at, all_of(in_state(State.QUEUED), attempt_is(transition.attempt))
    )


def _claim_again(_: JobCodec, transition: transitions.ClaimAgainIfLeaseExpired) -> Update:
    orphaned = all_of(
        attempt_holds(transition.attempt),
        reopened_times(transition.job.reopened),
        lost_workers(transition.job.worker_losses),
        lease_expired(transition.stamp.now_ms),
        not_cancelled(),
    )
    if not transition.job.may_lose_its_worker:
        orphaned = all_of(orphaned, never())
    at = transitions.after_latest(transition.job, transition.stamp)
    return with_values(_to_running(transition, at, orphaned), **_without_worker(transition.job))


def _to_running(
    transition: transitions.ClaimIfQueued | transitions.ClaimAgainIfLeaseExpired,
    at: transitions.Stamp,
    condition: Clause,
) -> Update:
    return Update(
        condition,
        {
            schema.STATE: str(State.RUNNING),
            schema.WORKER_ID: transition.worker_id,
            schema.WORKER_NAME: transition.seat.name,
            schema.WORKER_HOST: transition.seat.host,
            schema.LEASE_EXPIRES_AT: transition.lease_expires_at_ms,
            schema.STARTED_AT: at.now_ms,
            **_NO_PROGRESS,
        },
        add={schema.ATTEMPT: 1},
        append=history_line(at.now_ms, State.RUNNING, at.actor, at.reason, at.logs),
    )


# A job's counts for its life change only in the write that ends an attempt. So under the attempt's condition, the
# counts that were read after its claim are still current, and so is the history.


def _without_worker(job: Job) -> dict[str, int]:
    return {schema.WORKER_LOSSES: job.worker_losses + 1}


def _begin(_: JobCodec, transition: transitions.BeginIfAttemptHolds) -> Update:
    return Update(attempt_holds(transition.attempt), begun(transition.began_at_ms))


def _heartbeat(_: JobCodec, transition: transitions.HeartbeatIfAttemptHolds) -> Update:
    progress = progress_values(transition.progress) if transition.progress else {}
    lease = {schema.LEASE_EXPIRES_AT: transition.lease_expires_at_ms}
    return Update(attempt_holds(transition.attempt), {**lease, **begun(transition.began_at_ms), **progress})


def _finish(codec: JobCodec, transition: transitions.FinishIfAttemptHolds) -> Update:
    job, condition = transition.job, attempt_holds(transition.attempt)
    if transition.ending.state not in FAILURES:
        return to_end(codec, job, transition.ending, transition.stamp, condition)
    tried = replace(job, tries=job.tries + 1)
    update = to_end(codec, tried, transition.ending, transition.stamp, condition)
    return with_values(update, **{schema.TRIES: tried.tries})


def _finish_second(codec: JobCodec, transition: transitions.FinishSecondIfHolds) -> Update:
    condition = second_holds(transition.attempt, transition.worker_id)
    job = transitions.won(transition.job)
    update = to_end(codec, job, transition.ending, transition.stamp, condition)
    return with_values(
        update,
        **{
            schema.SECOND_END: str(SecondEnd.WON),
            schema.WORKER_ID: job.worker_id,
            schema.WORKER_NAME: job.worker_name,
            schema.WORKER_HOST: job.worker_host,
        },
    )


def _retry(codec: JobCodec, transition: transitions.RetryIfAttemptHolds) -> Update:
    condition = all_of(attempt_holds(transition.attempt), not_cancelled())
    update = to_scheduled(codec, transition.job, transition.due_at_ms, transition.stamp, condition)
    tried: dict[str, Plain] = {schema.TRIES: transition.job.tries + 1, schema.LEASE_EXPIRES_AT: None}
    return with_values(update, **failure_values(transition.failure), **tried, **begun(transition.began_at_ms))


def _hand_back(codec: JobCodec, transition: transitions.HandBackIfAttemptHolds) -> Update:
    condition = all_of(attempt_holds(transition.attempt), not_cancelled())
    update = with_values(
        to_ready(codec, transition.job, transition.stamp, condition), **begun(transition.began_at_ms)
    )
    return _with_bounded_history(update, transition, without_old_interruptions)


def _with_bounded_history(
    update: Update,
    transition: transitions.HandBackIfAttemptHolds | transitions.TakeBackIfStillQueued,
    bounded: Callable[[Sequence[HistoryEntry]], Sequence[HistoryEntry]],
) -> Update:
    """Returns the write with the whole history set if the bound drops a line; otherwise returns it unchanged.

    The condition of the write must hold only while the history is as it was read.
    """
    job, stamp = transition.job, transitions.when_ready(transition.job, transition.stamp)
    last = HistoryEntry(stamp.now_ms, State.READY, transition.attempt, stamp.actor, stamp.reason)
    kept = bounded([*job.history, last])
    if len(kept) > len(job.history):
        return update
    return replace(
        with_values(update, **{schema.HISTORY: history_lines(kept, transition.attempt)}), append=None
    )


def _ready_if_lease_expired(codec: JobCodec, transition: transitions.ReadyIfLeaseExpired) -> Update:
    condition = all_of(
        attempt_holds(transition.attempt), lease_expired(transition.stamp.now_ms), not_cancelled()
    )
    return with_values(
        to_ready(codec, transition.job, transition.stamp, condition), **_without_worker(transition.job)
    )


def _finish_if_lease_expired(codec: JobCodec, transition: transitions.FinishIfLeaseExpired) -> Update:
    condition = all_of(attempt_holds(transition.attempt), lease_expired(transition.stamp.now_ms))
    losses = _without_worker(transition.job)
    job = replace(transition.job, worker_losses=losses[schema.WORKER_LOSSES])
    return with_values(to_end(codec, job, transition.ending, transition.stamp, condition), **losses)


def _still_queued(transition: transitions.FailIfStillQueued | transitions.TakeBackIfStillQueued) -> Clause:
    return all_of(
        in_state(State.QUEUED),
        attempt_is(transition.attempt),
        reopened_times(transition.reopened),
        ready_since(transition.job.ready_at_ms),
        amended_times(transition.job.amended),
    )


def _fail_if_still_queued(codec: JobCodec, transition: transitions.FailIfStillQueued) -> Update:
    return to_end(codec, transition.job, transition.ending, transition.stamp, _still_queued(transition))


def _take_back(codec: JobCodec, transition: transitions.TakeBackIfStillQueued) -> Update:
    update = to_ready(codec, transition.job, transition.stamp, _still_queued(transition), transition.pool)
    return _with_bounded_history(update, transition, without_old_dispatches)


def _cancel(codec: JobCodec, transition: transitions.CancelIfInState) -> Update:
    states = sorted(transitions.CANCELLABLE_AT_ONCE)
    condition = all_of(
        in_state(*states),
        in_state(transition.job.state),
        reopened_times(transition.job.reopened),
        ready_since(transition.job.ready_at_ms),
        amended_times(transition.job.amended),
    )
    return to_end(codec, transition.job, transition.ending, transition.stamp, condition)


def _mark(codec: JobCodec, transition: transitions.MarkUnlessDispatched) -> Update:
    job, to = transition.job, transition.ending.state
    condition = all_of(
        in_state(
            *sorted(
                state for state, after in TRANSITIONS.items() if to in after and state is not State.RUNNING
            )
        ),
        in_state(job.state),
        reopened_times(job.reopened),
        ready_since(job.ready_at_ms),
        amended_times(job.amended),
    )
    return to_end(codec, job, transition.ending, transition.stamp, condition)


def _request_cancel(_: JobCodec, transition: transitions.RequestCancelIfRunning) -> Update:
    asked: dict[str, Plain] = {
        schema.CANCEL_REQUESTED_AT: transition.stamp.now_ms,
        schema.CANCEL_REQUESTED_BY: transition.stamp.actor,
    }
    return Update(all_of(in_state(State.RUNNING), IN_WORKER), set_once=asked)


def _cancel_if_grace_over(codec: JobCodec, transition: transitions.CancelIfGraceOver) -> Update:
    asked_by_ms = transition.stamp.now_ms - transition.grace_ms
    condition = all_of(in_state(State.RUNNING), IN_WORKER, at_most(schema.CANCEL_REQUESTED_AT, asked_by_ms))
    return to_end(codec, transition.job, transition.ending, transition.stamp, condition)


UPDATES: Mapping[type[transitions.Transition], Callable[[JobCodec, Any], Update]] = MappingProxyType(
    {
        transitions.ReleaseIfPending: _release,
        transitions.ReadyIfWaitingOnlyOn: _ready_if_waiting_only_on,
        transitions.SkipIfPending: _skip,
        transitions.ReadyIfDue: _ready_if_due,
        transitions.DispatchIfReady: _dispatch,
        transitions.HoldIfReady: _hold,
        transitions.PassOverIfReady: _pass_over,
        transitions.ResendIfStillQueued: _resend,
        transitions.ClaimIfQueued: _claim,
        transitions.ClaimAgainIfLeaseExpired: _claim_again,
        transitions.BeginIfAttemptHolds: _begin,
        transitions.HeartbeatIfAttemptHolds: _heartbeat,
        transitions.FinishIfAttemptHolds: _finish,
        transitions.RetryIfAttemptHolds: _retry,
        transitions.HandOverIfAttemptHolds: hand_over,
        transitions.HeartbeatIfOutside: beat_outside,
        transitions.FinishIfOutside: finish_outside,
        transitions.FinishIfOutsideExpired: finish_outside,
        transitions.RetryIfOutside: retry_outside,
        transitions.RetryIfOutsideExpired: retry_outside,
        transitions.HandBackIfAttemptHolds: _hand_back,
        transitions.ReadyIfLeaseExpired: _ready_if_lease_expired,
        transitions.FinishIfLeaseExpired: _finish_if_lease_expired,
        transitions.FailIfStillQueued: _fail_if_still_queued,
        transitions.TakeBackIfStillQueued: _take_back,
        transitions.CancelIfInState: _cancel,
        transitions.MarkUnlessDispatched: _mark,
        transitions.RequestCancelIfRunning: _request_cancel,
        transitions.CancelIfGraceOver: _cancel_if_grace_over,
        transitions.OfferSecondIfFirst: offer_second,
        transitions.ClaimSecondIfOffered: claim_second,
        transitions.HeartbeatSecondIfHolds: beat_second,
        transitions.FinishSecondIfHolds: _finish_second,
        transitions.EndSecondIfHolds: end_second,
        transitions.ReopenIfEnded: reopen,
        transitions.RerunUnlessDispatched: rerun,
        transitions.AmendIfWaiting: amend,
        transitions.NoteDependents: note_dependents,
        transitions.KeepIfEnded: keep,
        transitions.NoteJudgementIfOpen: note_judgement,
    }
)


def update_of(codec: JobCodec, transition: transitions.Transition) -> Update:
    """Returns the conditional write that carries out `transition`."""
    return UPDATES[type(transition)](codec, transition)
