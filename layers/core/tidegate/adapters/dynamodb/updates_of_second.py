"""Translates the transitions of a second attempt into conditional writes (see `updates`)."""

from __future__ import annotations

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.second_attempts import place_text, second_values
from tidegate.adapters.dynamodb.statements import (
    Update,
    all_of,
    attempt_holds,
    below,
    differs,
    never,
    no_second_since,
    not_cancelled,
    reopened_times,
    second_holds,
)
from tidegate.domain import transitions
from tidegate.domain.second_attempts import SecondAttempt


def offer_second(_: JobCodec, transition: transitions.OfferSecondIfFirst) -> Update:
    """Returns the write that offers a second attempt; it removes what is left of one of an earlier life."""
    job = transition.job
    condition = all_of(
        attempt_holds(transition.attempt),
        reopened_times(job.reopened),
        no_second_since(None if job.second is None else job.second.life),
        not_cancelled(),
    )
    if job.had_second:
        condition = all_of(condition, never())  # by the job as it was read; the present one decides
    offered = SecondAttempt(
        beside=transition.attempt, life=job.reopened, offered_at_ms=transition.stamp.now_ms
    )
    return Update(condition, second_values(offered))


def claim_second(_: JobCodec, transition: transitions.ClaimSecondIfOffered) -> Update:
    """Returns the write that gives a second attempt to a worker."""
    condition = all_of(
        second_holds(transition.attempt, None),
        differs(schema.WORKER_ID, transition.worker_id),
        not_cancelled(),
    )
    return Update(
        condition,
        {
            schema.SECOND_WORKER_ID: transition.worker_id,
            schema.SECOND_WORKER_NAME: transition.seat.name or None,
            schema.SECOND_WORKER_HOST: transition.seat.host or None,
            schema.SECOND_CLAIMED_AT: transition.stamp.now_ms,
            schema.SECOND_LEASE_EXPIRES_AT: transition.lease_expires_at_ms,
            schema.SECOND_LOGS: place_text(transition.stamp.logs),
        },
    )


def beat_second(_: JobCodec, transition: transitions.HeartbeatSecondIfHolds) -> Update:
    """Returns the write that extends the lease of a second attempt."""
    return Update(
        second_holds(transition.attempt, transition.worker_id),
        {schema.SECOND_LEASE_EXPIRES_AT: transition.lease_expires_at_ms},
    )


def end_second(_: JobCodec, transition: transitions.EndSecondIfHolds) -> Update:
    """Returns the write that ends a second attempt without an outcome for the job."""
    condition = second_holds(transition.attempt, transition.worker_id)
    if transition.expired_at_ms is not None:
        condition = all_of(condition, below(schema.SECOND_LEASE_EXPIRES_AT, transition.expired_at_ms))
    return Update(
        condition,
        {schema.SECOND_END: str(transition.end), schema.SECOND_ENDED_AT: transition.ended_at_ms},
    )
