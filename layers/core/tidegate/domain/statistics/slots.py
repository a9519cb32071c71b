"""Slot time: the slots of a pool, each times the milliseconds for which its worker was live.

The time that jobs kept slots busy, divided by the slot time, is the pool's utilisation.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.domain.workers import Slots


def slot_ms(held: Iterable[Slots], from_ms: int, to_ms: int) -> int:
    """Returns the slot time from `from_ms` on and before `to_ms`, in milliseconds of one slot."""
    return sum(each.slots * max(0, min(to_ms, each.to_ms) - max(from_ms, each.from_ms)) for each in held)
