"""Permits of concurrency keys: the least limit that anybody asked for holds.

Every job under a key says how many jobs of the key may be dispatched at once, and jobs need not agree. A holder of the
permit carries what it asked for at its end, so that a permit tells by itself what holds.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit as it stands: who holds it, and the least limit that a waiting job asked for.

    `waiting_limit` is None where nobody is known to wait; `waiting_noted_at_ms` is when it was noted last.
    """

    holders: frozenset[str] = frozenset()
    waiting_limit: int | None = None
    waiting_noted_at_ms: int = 0


NOBODY = Permit()


def key_permit(key: str) -> str:
    """Names the permit of a concurrency key."""
    return f"key:{key}"


def type_permit(job_type: str) -> str:
    """Names the permit of a job type."""
    return f"type:{job_type}"


def asking(holder: str, limit: int) -> str:
    """Names a holder together with the limit (1 or more) that it asks for."""
    return f"{holder}@{limit}"


def least_asked(holders: Set[str], limit: int) -> int:
    """Computes the least limit that any of the holders, or one more that asks for `limit`, asked for."""
    return min([limit, *(asked for holder in holders if (asked := _asked_by(holder)) is not None)])


def has_room(permit: Permit, limit: int) -> bool:
    """True where one more holder that asks for `limit` would break no limit that anybody asked for."""
    least = least_asked(permit.holders, limit)
    if permit.waiting_limit is not None:
        least = min(least, permit.waiting_limit)
    return len(permit.holders) < least


def _asked_by(holder: str) -> int | None:
    """The limit at the end of a holder; None for one that was written before there was any."""
    parts = holder.rsplit("@", 2)
    return int(parts[2]) if len(parts) == 3 else None
