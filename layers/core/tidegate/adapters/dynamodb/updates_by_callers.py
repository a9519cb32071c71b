"""The writes of transitions that callers alone ask for: reopening an ended job, and amending a waiting one."""

from __future__ import annotations

from dataclasses import replace

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import (
    JobCodec,
    failure_values,
    history_line,
    history_lines,
    progress_values,
)
from tidegate.adapters.dynamodb.statements import (
    Clause,
    Update,
    all_of,
    amended_times,
    attempt_is,
    due_at,
    held_in,
    in_state,
    never,
    ready_since,
    reopened_times,
    tried_times,
)
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain.job import Job
from tidegate.domain.lives import kept_history, may_be_reopened
from tidegate.domain.states import REOPENABLE, Group, State
from tidegate.domain.transitions import (
    DISPATCHED,
    AmendIfWaiting,
    ReopenIfEnded,
    RerunUnlessDispatched,
    Stamp,
    TransitionRefused,
    after_latest,
)


def reopen(codec: JobCodec, transition: ReopenIfEnded) -> Update:
    """Returns the write that opens an ended job again."""
    job = transition.job
    condition = all_of(
        in_state(*sorted(REOPENABLE)),
        in_state(job.state),
        reopened_times(job.reopened),
        attempt_is(job.attempt),
    )
    if not may_be_reopened(job.history):
        condition = all_of(condition, never())
    return _in_new_life(codec, job, transition.stamp, condition, leaves_skipped=transition.leave_skipped)


def rerun(codec: JobCodec, transition: RerunUnlessDispatched) -> Update:
    """Returns the write that begins a new life of a job that no queue and no worker has."""
    job = transition.job
    condition = all_of(
        in_state(*sorted(set(State) - DISPATCHED)),
        in_state(job.state),
        reopened_times(job.reopened),
        attempt_is(job.attempt),
        ready_since(job.ready_at_ms),
        amended_times(job.amended),
    )
    if not may_be_reopened(job.history):
        condition = all_of(condition, never())
    update = _in_new_life(codec, job, transition.stamp, condition, leaves_skipped=False)
    if transition.input_part is None:
        return update
    given: dict[str, Plain] = {
        schema.PARAMETERS: None,
        schema.DEPENDS_ON: None,
        schema.INPUT_OVERFLOW: True,
        schema.INPUT_PART: transition.input_part,
    }
    return replace(update, values={**update.values, **given})


def _in_new_life(
    codec: JobCodec, job: Job, stamp: Stamp, condition: Clause, *, leaves_skipped: bool
) -> Update:
    """Returns the write that makes a job PENDING on all of its dependencies, with no trace of its last life."""
    kept = kept_history(job.history)
    is_whole = len(kept) == len(job.history)
    last = _line(State.PENDING, after_latest(job, stamp))
    # The history of a job that has ended in this life is final, so it can be shortened and written back as it was read.
    shortened = [*history_lines(kept, job.attempt), last]
    cleared = (
        schema.QUEUED_AT,
        schema.SENT_AT,
        schema.STARTED_AT,
        schema.FINISHED_AT,
        schema.FIGURES,
        schema.WORKER_ID,
        schema.CANCEL_REQUESTED_AT,
        schema.CANCEL_REQUESTED_BY,
        schema.RESULT,
        schema.RESULT_OVERFLOW,
        schema.EXPIRES_AT,
        schema.HELD_IN,
        schema.DUE_AT,
        schema.JUDGEMENTS,  # also those that were noted since the job was read
    )
    return Update(
        condition,
        {
            schema.STATE: str(State.PENDING),
            **codec.index_values(job.job_id, job.pool, Group.PENDING, job.created_at_ms),
            schema.REOPENED: job.reopened + 1,
            schema.WORKER_NAME: "",
            schema.WORKER_HOST: "",
            schema.TRIES: None,
            schema.WORKER_LOSSES: None,
            schema.BEGAN_AT: 0,
            schema.LEAVES_SKIPPED: leaves_skipped or None,
            schema.DEPENDENTS_OVERFLOW: True,
            schema.WATCH_START: True,
            schema.WAITING_ON: frozenset(range(job.dependency_count)) or None,
            **dict.fromkeys(cleared),
            **failure_values(None),
            **progress_values(None),
            **({} if is_whole else {schema.HISTORY: shortened}),
        },
        append=last if is_whole else None,
    )


def amend(codec: JobCodec, transition: AmendIfWaiting) -> Update:
    """Returns the write that gives a waiting job new values, if it is as it was read."""
    job = transition.job
    try:
        after = transition.apply(job)
    except TransitionRefused:
        return Update(never())  # by the job as it was read; the present one decides
    condition = all_of(
        in_state(job.state),
        reopened_times(job.reopened),
        attempt_is(job.attempt),
        tried_times(job.tries),
        ready_since(job.ready_at_ms),
        due_at(job.due_at_ms),
        held_in(job.held_in),
        amended_times(job.amended),
    )
    before, now = codec.changing_values(job), codec.changing_values(after)
    changed = {name: now[name] for name in now if now[name] != before[name]}
    if schema.FINISH_BY in changed:
        changed[schema.JUDGEMENTS] = None  # also one that was noted since the job was read
    has_moved = len(after.history) > len(job.history)
    return Update(
        condition,
        changed,
        append=_line(after.state, after_latest(job, transition.stamp)) if has_moved else None,
    )


def _line(state: State, stamp: Stamp) -> str:
    """Returns the line that a transition adds to the history."""
    return history_line(stamp.now_ms, state, stamp.actor, stamp.reason)
