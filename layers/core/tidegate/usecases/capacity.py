"""Capacity: how many jobs a pool can run at once."""

from __future__ import annotations

from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import capacity_of
from tidegate.usecases.services import Services


def pool_capacity(services: Services, pool: Pool, now_ms: int) -> int:
    """The concurrency of the pool's function, or the slots of its live worker processes."""
    if pool.kind is PoolKind.FUNCTION:
        return pool.capacity
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)
    live = services.workers.list_live(pool.name, silent_since_ms=silent_since_ms)
    return capacity_of(live, silent_since_ms)
