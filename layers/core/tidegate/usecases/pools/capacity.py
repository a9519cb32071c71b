"""Capacity: how many jobs a pool can run at once."""

from __future__ import annotations

from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import Ability, ability_of
from tidegate.usecases.pools.function_faults import function_ability
from tidegate.usecases.services import Services


def pool_capacity(services: Services, pool: Pool, now_ms: int) -> int:
    """Counts how many jobs the function of a pool, or its live worker processes, can run at once."""
    return pool_ability(services, pool, now_ms).slots


def pool_ability(services: Services, pool: Pool, now_ms: int) -> Ability:
    """Says how many jobs a pool can run at once, and how many of the types that some of its workers lack."""
    if pool.kind is PoolKind.FUNCTION:
        return function_ability(services, pool, now_ms)
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)
    live = services.workers.list_live(pool.name, silent_since_ms=silent_since_ms)
    return ability_of(live, silent_since_ms)
