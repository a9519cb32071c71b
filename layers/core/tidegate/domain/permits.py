"""Permits of concurrency keys, where the lowest limit that any job asks for applies.

Every job with a concurrency key says how many jobs of the key may be dispatched at once, and the jobs need not agree.
The name of a permit's holder ends with the limit that it asks for, so the permit alone shows which limit applies.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit at one moment: its holders, and the lowest limit that a waiting job asks for.

    `waiting_limit` is None where no job is known to wait. `waiting_noted_at_ms` is when it was last noted, in
    milliseconds since the epoch.
    """

    holders: frozenset[str] = frozenset()
    waiting_limit: int | None = None
    waiting_noted_at_ms: int = 0


NOBODY = Permit()


def key_permit(key: str) -> str:
    """Returns the name of a concurrency key's permit."""
    return f"key:{key}"


def type_permit(job_type: str) -> str:
    """Returns the name of a job type's permit."""
    return f"type:{job_type}"


def asking(holder: str, limit: int) -> str:
    """Returns the name of a holder together with the limit (1 or more) that it asks for."""
    return f"{holder}@{limit}"


def least_asked(holders: Set[str], limit: int) -> int:
    """Returns the lowest limit among those that the holders ask for and `limit`."""
    return min([limit, *(asked for holder in holders if (asked := _asked_by(holder)) is not None)])


def least_in_force(permit: Permit, limit: int) -> int:
    """Returns the lowest limit that the holders, the waiting jobs and one more holder with `limit` ask for."""
    least = least_asked(permit.holders, limit)
    return least if permit.waiting_limit is None else min(least, permit.waiting_limit)


def has_room(permit: Permit, limit: int) -> bool:
    """Tells whether one more holder that asks for `limit` keeps within every limit that a job asks for."""
    return len(permit.holders) < least_in_force(permit, limit)


def attempt_of(holder: str) -> tuple[str, int]:
    """Returns the job of a holder, and when that became READY for this attempt, in milliseconds since the epoch."""
    job_id, ready_at_ms, *_ = holder.split("@")
    return job_id, int(ready_at_ms)


def job_of(holder: str) -> str:
    """Returns the id of a holder's job."""
    return attempt_of(holder)[0]


def _asked_by(holder: str) -> int | None:
    """Returns the limit at the end of a holder's name, None for a name that was written before names had limits."""
    parts = holder.rsplit("@", 2)
    return int(parts[2]) if len(parts) == 3 else None
