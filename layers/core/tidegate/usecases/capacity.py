"""Capacity: how many jobs a pool can run at once."""

from __future__ import annotations

from tidegate.domain.pools import Pool, PoolKind
from tidegate.usecases.services import Services

WORKER_SILENCE_MS = 60_000  # a worker process that said nothing for this long brings no capacity


def pool_capacity(services: Services, pool: Pool, now_ms: int) -> int:
    """The concurrency of the pool's function, or the slots of its live worker processes."""
    if pool.kind is PoolKind.FUNCTION:
        return pool.capacity
    live = services.workers.list_live(pool.name, seen_since_ms=now_ms - WORKER_SILENCE_MS)
    return sum(worker.slots for worker in live)
