"""Capacity: how many jobs a pool can run at once."""

from __future__ import annotations

from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import Ability, ability_of
from tidegate.usecases.function_faults import function_ability
from tidegate.usecases.services import Services


def pool_capacity(services: Services, pool: Pool, now_ms: int) -> int:
    """The concurrency of the pool's function, or the slots of its live worker processes that can begin jobs."""
    return pool_ability(services, pool, now_ms).slots


def pool_ability(services: Services, pool: Pool, now_ms: int) -> Ability:
    """The same, and how many jobs of the types that some of its workers lack can run at once."""
    if pool.kind is PoolKind.FUNCTION:
        return function_ability(services, pool, now_ms)
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)
    live = services.workers.list_live(pool.name, silent_since_ms=silent_since_ms)
    return ability_of(live, silent_since_ms)
