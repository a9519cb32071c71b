"""Converts a job's second attempt to attributes of its item and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain.logs import LogPlace
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd


def second_values(second: SecondAttempt) -> dict[str, Plain]:
    """Returns the attributes of a second attempt; the value None means that the attribute is absent."""
    return {
        schema.SECOND_BESIDE: second.beside,
        schema.SECOND_LIFE: second.life,
        schema.SECOND_OFFERED_AT: second.offered_at_ms,
        schema.SECOND_WORKER_ID: second.worker_id,
        schema.SECOND_WORKER_NAME: second.worker_name or None,
        schema.SECOND_WORKER_HOST: second.worker_host or None,
        schema.SECOND_CLAIMED_AT: second.claimed_at_ms,
        schema.SECOND_LEASE_EXPIRES_AT: second.lease_expires_at_ms,
        schema.SECOND_END: None if second.end is None else str(second.end),
        schema.SECOND_ENDED_AT: second.ended_at_ms,
        schema.SECOND_LOGS: place_text(second.logs),
    }


def place_text(place: LogPlace | None) -> str | None:
    """Returns a place of lines as text, None where there is none."""
    return None if place is None else f"{place.group} {place.stream}"


def second_from(values: Mapping[str, Any]) -> SecondAttempt:
    """Returns the second attempt that the attributes of a job that had one describe."""
    end = values.get(schema.SECOND_END)
    group, space, stream = values.get(schema.SECOND_LOGS, "").partition(" ")
    return SecondAttempt(
        beside=values[schema.SECOND_BESIDE],
        life=values[schema.SECOND_LIFE],
        offered_at_ms=values[schema.SECOND_OFFERED_AT],
        worker_id=values.get(schema.SECOND_WORKER_ID),
        worker_name=values.get(schema.SECOND_WORKER_NAME, ""),
        worker_host=values.get(schema.SECOND_WORKER_HOST, ""),
        claimed_at_ms=values.get(schema.SECOND_CLAIMED_AT),
        lease_expires_at_ms=values.get(schema.SECOND_LEASE_EXPIRES_AT),
        end=None if end is None else SecondEnd(end),
        ended_at_ms=values.get(schema.SECOND_ENDED_AT),
        logs=LogPlace(group, stream) if space else None,
    )
