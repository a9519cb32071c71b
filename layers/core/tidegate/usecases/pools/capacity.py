"""Computes the capacity of a pool: how many jobs it can run at once.

A function pool has a configured capacity, less while its function reports a fault. A process pool has the slots of its
live workers.
"""

from __future__ import annotations

from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import Ability, ability_of
from tidegate.usecases.pools.function_ability import function_ability
from tidegate.usecases.services import Services


def pool_capacity(services: Services, pool: Pool, now_ms: int) -> int:
    """Returns how many jobs the pool can run at once. `now_ms` decides which workers count as live."""
    return pool_ability(services, pool, now_ms).slots


def pool_ability(services: Services, pool: Pool, now_ms: int) -> Ability:
    """Returns the pool's capacity, and its lower capacity for each job type that some of its workers lack.

    Raises ServiceUnavailable if the workers can't be read.
    """
    if pool.kind is PoolKind.FUNCTION:
        return function_ability(services, pool, now_ms)
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)
    live = services.workers.list_live(pool.name, silent_since_ms=silent_since_ms)
    return ability_of(live, silent_since_ms)
