"""Slot time: the slots of a pool, each times the milliseconds for which its worker was live.

The time that jobs kept slots busy, divided by the slot time, is the pool's utilisation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.domain.workers import Worker


@dataclass(frozen=True, slots=True)
class Slots:
    """So many slots, from `from_ms` on and before `to_ms`, in milliseconds since the epoch."""

    slots: int
    from_ms: int
    to_ms: int


def slots_of(worker: Worker) -> Slots:
    """Returns the slots of a worker's session, from its beginning to its last heartbeat.

    All of them count, also while the worker drains or reports a fault, because its machine is paid for.
    """
    return Slots(worker.spec.slots, worker.started_at_ms, worker.heartbeat_at_ms)


def slot_ms(held: Iterable[Slots], from_ms: int, to_ms: int) -> int:
    """Returns the slot time from `from_ms` on and before `to_ms`, in milliseconds of one slot."""
    return sum(each.slots * max(0, min(to_ms, each.to_ms) - max(from_ms, each.from_ms)) for each in held)
