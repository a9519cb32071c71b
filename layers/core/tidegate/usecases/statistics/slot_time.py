"""Reads how much slot time a pool had, from the entries of its workers.

An entry tells when its session began and when its last heartbeat was, and outlasts that heartbeat by a day. It tells
the same of the last sessions before it under the same id. So the slot time of ten minutes that have settled is read
from the entries alone. A later reader finds the same, so nothing has to be sampled while the workers live.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from tidegate.domain.pools import PoolKind
from tidegate.domain.statistics.slots import slot_ms
from tidegate.domain.workers import ENTRY_KEPT_SECONDS, Slots
from tidegate.usecases.services import Services

WORKERS_PER_PAGE: Final = 500
PAGES: Final = 20  # of the workers of one pool
KNOWN_FOR_MS: Final = (ENTRY_KEPT_SECONDS - 3_600) * 1_000
"""How long the slot time of a time stays known. An hour less than entries are kept, because clocks may disagree."""
_SHOWN: Final = 20  # ids in a line of the log
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlotTime:
    """The slots of a pool, which are all from `known_ms` on; None where no time of it is known."""

    held: tuple[Slots, ...]
    known_ms: int | None

    def of(self, from_ms: int, to_ms: int) -> int | None:
        """Returns the slot time from `from_ms` on and before `to_ms` in milliseconds of one slot, None if unknown."""
        if self.known_ms is None or from_ms < self.known_ms:
            return None
        return slot_ms(self.held, from_ms, to_ms)


def read_slot_time(services: Services, pool: str, now_ms: int) -> SlotTime:
    """Returns the slot time of a deployed or earlier pool. A function has the slots that it has at `now_ms`.

    Reads `PAGES` pages of workers. The slot time of a pool is unknown where it has more workers, or an entry that can't
    be decoded, which is logged. Raises ServiceUnavailable.
    """
    known_ms = now_ms - KNOWN_FOR_MS
    deployed = services.settings.pools.get(pool)
    if deployed is not None and deployed.kind is PoolKind.FUNCTION:
        return SlotTime((Slots(deployed.capacity, 0, now_ms),), known_ms)
    held: list[Slots] = []
    unreadable: list[str] = []
    after: str | None = None
    for _ in range(PAGES):
        page = services.workers.page(pool, limit=WORKERS_PER_PAGE, after=after)
        held += [slots for worker in page.workers for slots in worker.held]
        unreadable += page.unreadable
        after = page.next
        if after is None and not unreadable:
            return SlotTime(tuple(held), known_ms)
        if after is None:
            break
    if unreadable:
        shown = ", ".join(unreadable[:_SHOWN])
        told = "%d worker entries of pool %s can't be read, so its slot time is unknown: %s"
        _LOGGER.error(told, len(unreadable), pool, shown)
    return SlotTime((), None)
