"""Publishes the pools' loads as metrics."""

from __future__ import annotations

from tidegate.entry.metrics import ACTIVE_JOBS, CAPACITY, OLDEST_READY, READY_JOBS, WORKERS, Metric, publish
from tidegate.ports import Clock
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.read.status import PoolLoad, pool_load
from tidegate.usecases.services import Services


def publish_loads(services: Services, clock: Clock) -> None:
    """Publishes the load of each pool where the deployment wants the metrics of pools.

    A pool whose load can't be read keeps no other pool's line from being printed. A paused pool counts as having
    nothing ready, because more workers would have nothing to do there.
    """
    settings = services.settings
    if not settings.pool_metrics:
        return
    rules = services.rules.load()
    errors = FirstError()
    for pool in sorted(settings.pools):
        with errors.isolated():
            now_ms = clock.now_ms()
            load = pool_load(services, pool, now_ms=now_ms, is_dated=settings.all_metrics)
            values = _values(load, now_ms, is_paused=rules.is_paused(pool), is_dated=settings.all_metrics)
            publish(values, settings.stack, pool)
    errors.raise_first()


def _values(load: PoolLoad, now_ms: int, *, is_paused: bool, is_dated: bool) -> dict[Metric, float]:
    values: dict[Metric, float] = {
        READY_JOBS: 0 if is_paused else load.ready.count,
        ACTIVE_JOBS: load.active.count,
        CAPACITY: load.capacity,
        WORKERS: load.workers,
    }
    if is_dated:
        waits = load.ready_since_ms is not None and not is_paused
        values[OLDEST_READY] = max(0, now_ms - (load.ready_since_ms or 0)) / 1_000 if waits else 0
    return values
