"""Translates the transitions of a job that was handed over into conditional writes (see `updates`)."""

from __future__ import annotations

from dataclasses import replace

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import JobCodec, failure_values, progress_values
from tidegate.adapters.dynamodb.outside import outside_values
from tidegate.adapters.dynamodb.statements import (
    Clause,
    Update,
    all_of,
    attempt_holds,
    lease_expired,
    never,
    not_cancelled,
    outside_holds,
)
from tidegate.adapters.dynamodb.updates_parts import begun, to_end, to_scheduled, with_values
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain import transitions
from tidegate.domain.job import Progress
from tidegate.domain.outside import Outside
from tidegate.domain.states import FAILURES, Group

_OVER: dict[str, Plain] = {schema.OUTSIDE_UNTIL: None, schema.OUTSIDE_BEATS: None}


def hand_over(codec: JobCodec, transition: transitions.HandOverIfAttemptHolds) -> Update:
    """Returns the write that hands an attempt over. Its index entry leaves the jobs that take a slot."""
    job, outside = transition.job, transition.outside
    condition = all_of(attempt_holds(transition.attempt), not_cancelled())
    if job.may_run_twice:
        condition = all_of(condition, never())
    expires_at_ms = outside.lease_until_ms(outside.since_ms)
    return Update(
        condition,
        {
            **codec.index_values(job.job_id, job.pool, Group.OUTSIDE, expires_at_ms),
            **outside_values(outside),
            schema.LEASE_EXPIRES_AT: expires_at_ms,
            **_told(transition.progress),
            **begun(transition.began_at_ms),
        },
    )


def beat_outside(codec: JobCodec, transition: transitions.HeartbeatIfOutside) -> Update:
    """Returns the write that extends the lease of a job outside, by which its index entry is sorted."""
    job, expires_at_ms = transition.job, transition.lease_expires_at_ms
    values = {
        **codec.index_values(job.job_id, job.pool, Group.OUTSIDE, expires_at_ms),
        schema.LEASE_EXPIRES_AT: expires_at_ms,
        **_told(transition.progress),
    }
    return Update(_held(transition.outside), values, add={schema.OUTSIDE_BEATS: 1})


def finish_outside(
    codec: JobCodec, transition: transitions.FinishIfOutside | transitions.FinishIfOutsideExpired
) -> Update:
    """Returns the write that ends a job outside, by its token or because its lease ran out."""
    job = transition.job
    has_failed = transition.ending.state in FAILURES
    tried = replace(job, tries=job.tries + has_failed)
    update = to_end(codec, tried, transition.ending, transition.stamp, _condition(transition))
    return with_values(update, **_OVER, **({schema.TRIES: tried.tries} if has_failed else {}))


def retry_outside(
    codec: JobCodec, transition: transitions.RetryIfOutside | transitions.RetryIfOutsideExpired
) -> Update:
    """Returns the write after which another attempt follows one that failed outside."""
    job = transition.job
    update = to_scheduled(codec, job, transition.due_at_ms, transition.stamp, _condition(transition))
    tried: dict[str, Plain] = {schema.TRIES: job.tries + 1, schema.LEASE_EXPIRES_AT: None}
    return with_values(update, **failure_values(transition.failure), **tried, **_OVER)


def _condition(
    transition: transitions.FinishIfOutside
    | transitions.FinishIfOutsideExpired
    | transitions.RetryIfOutside
    | transitions.RetryIfOutsideExpired,
) -> Clause:
    held = _held(transition.outside)
    if isinstance(transition, transitions.FinishIfOutsideExpired | transitions.RetryIfOutsideExpired):
        return all_of(held, lease_expired(transition.stamp.now_ms))
    return held


def _held(outside: Outside) -> Clause:
    return outside_holds(outside.attempt, outside.digest)


def _told(progress: Progress | None) -> dict[str, Plain]:
    return {} if progress is None else progress_values(progress)
