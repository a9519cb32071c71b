"""The metrics of the pools' loads, in the form that CloudWatch reads from a function's log."""

from __future__ import annotations

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from tidegate.ports import Clock
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.read.status import pool_load
from tidegate.usecases.services import Services


def publish_loads(services: Services, clock: Clock) -> None:
    """Prints one line of CloudWatch's embedded metric format for each pool, from which CloudWatch makes metrics.

    Prints nothing unless the deployment wants metrics. A pool whose load can't be read keeps no other pool's line from
    being printed. A paused pool counts as having nothing ready, because more workers would have nothing to do there.
    """
    settings = services.settings
    if not settings.pool_metrics:
        return
    rules = services.rules.load()
    errors = FirstError()
    for pool in sorted(settings.pools):
        with errors.isolated():
            load = pool_load(services, pool, now_ms=clock.now_ms())
            ready = 0 if rules.is_paused(pool) else load.ready.count
            metrics = EphemeralMetrics(namespace="Tidegate", service="")  # no dimension but those below
            metrics.add_dimension("Stack", settings.stack)
            metrics.add_dimension("Pool", pool)
            metrics.add_metric("ReadyJobs", MetricUnit.Count, ready)
            metrics.add_metric("ActiveJobs", MetricUnit.Count, load.active.count)
            metrics.add_metric("Capacity", MetricUnit.Count, load.capacity)
            metrics.add_metric("Workers", MetricUnit.Count, load.workers)
            metrics.flush_metrics()
    errors.raise_first()
