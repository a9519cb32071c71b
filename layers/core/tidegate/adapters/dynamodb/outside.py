"""Converts the hand-over of a job to attributes of its item and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import Plain
from tidegate.domain.outside import Outside


def outside_values(outside: Outside) -> dict[str, Plain]:
    """Returns the attributes of a hand-over; the value None means that the attribute is absent."""
    return {
        schema.OUTSIDE_ATTEMPT: outside.attempt,
        schema.OUTSIDE_DIGEST: outside.digest,
        schema.OUTSIDE_SINCE: outside.since_ms,
        schema.OUTSIDE_LEASE: outside.lease_ms,
        schema.OUTSIDE_UNTIL: outside.until_ms,
        schema.OUTSIDE_BEATS: None if outside.until_ms is None else outside.beats,
    }


def outside_from(values: Mapping[str, Any]) -> Outside:
    """Returns the hand-over that the attributes of a job that had one describe."""
    return Outside(
        attempt=values[schema.OUTSIDE_ATTEMPT],
        digest=values[schema.OUTSIDE_DIGEST],
        since_ms=values[schema.OUTSIDE_SINCE],
        lease_ms=values[schema.OUTSIDE_LEASE],
        until_ms=values.get(schema.OUTSIDE_UNTIL),
        beats=values.get(schema.OUTSIDE_BEATS, 0),
    )
