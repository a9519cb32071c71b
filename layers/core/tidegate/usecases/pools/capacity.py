"""Computes the capacity of a pool: how many jobs it can run at once.

A process pool has the slots of its live workers. A function pool has a configured capacity, less while its function
reports a fault. A function has no worker entries. If its code lacks a job type, or can't begin any job, it writes one
entry for its pool (`work/function_faults.py`). For `PAUSE_MS` the dispatcher holds back the jobs that the entry names.
For the same time again it lets one such job through at a time, to see whether a deployment has repaired the function.
After that the entry no longer counts.
"""

from __future__ import annotations

from collections.abc import Callable

from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import Ability, Worker, ability_of
from tidegate.usecases.services import Services

PAUSE_MS = 5 * 60_000
ENTRY_ID = "function"


def pool_capacity(services: Services, pool: Pool, now_ms: int) -> int:
    """Returns how many jobs the pool can run at once. `now_ms` decides which workers count as live."""
    return pool_ability(services, pool, now_ms).slots


def pool_ability(
    services: Services, pool: Pool, now_ms: int, live: tuple[Worker, ...] | None = None
) -> Ability:
    """Returns the pool's capacity, and its lower capacity for each job type that some of its workers lack.

    `live` are the pool's `live_workers`, read if they are not given. Raises ServiceUnavailable if they can't be read.
    """
    if pool.kind is PoolKind.FUNCTION:
        return _function_ability(services, pool, now_ms)
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)
    if live is None:
        live = services.workers.list_live(pool.name, silent_since_ms=silent_since_ms)
    return ability_of(live, silent_since_ms)


def live_workers(services: Services, pool: str, now_ms: int) -> tuple[Worker, ...]:
    """Returns the live worker processes of a deployed or earlier pool. A pool with a function has none.

    Raises ServiceUnavailable.
    """
    deployed = services.settings.pools.get(pool)
    if deployed is not None and deployed.kind is PoolKind.FUNCTION:
        return ()
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)
    return services.workers.list_live(pool, silent_since_ms=silent_since_ms)


def _function_ability(services: Services, pool: Pool, now_ms: int) -> Ability:
    """Returns the capacity of the pool's function by its recorded faults.

    The recorded entry may be cached for `recall.KEEP_MS`. Raises ServiceUnavailable.
    """
    entry = services.recall.of(f"function#{pool.name}", now_ms, _reading(services, pool.name, now_ms))
    if entry is None:
        return Ability(pool.capacity)
    tried = 1 if now_ms - entry.heartbeat_at_ms >= PAUSE_MS else 0
    slots = min(tried, pool.capacity) if entry.fault else pool.capacity
    return Ability(slots, {job_type: min(tried, slots) for job_type in entry.lacking}, entry.fault)


def _reading(services: Services, pool: str, now_ms: int) -> Callable[[], Worker | None]:
    def read() -> Worker | None:
        live = services.workers.list_live(pool, silent_since_ms=now_ms - 2 * PAUSE_MS)
        return next((worker for worker in live if worker.worker_id == ENTRY_ID), None)

    return read
