"""The reaper: once a minute it publishes the load of each pool and repairs what other parts left undone."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.read.status import pool_load
from tidegate.usecases.reap.reap import reap

logger = Logger()
# Powertools uses the level that Lambda lets through. Here that is never above INFO, because metric lines have no level
# and count as INFO. So the level that operators ask for is set on the logger below Powertools' own.
logging.getLogger(logger.name).setLevel(os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))

WORKING_MS = 80_000  # of the function's 120 s: each repair may begin one more portion just before this ends


def handle(_event: dict[str, Any], deps: bootstrap.ReaperDeps) -> dict[str, Any]:
    """Publishes each pool's load where the deployment wants that, then runs one round of repairs.

    Returns how many things each repair put right. If one of the two fails, the other still runs.
    """
    before = deps.meter.snapshot()
    report: dict[str, Any] = {}
    errors = FirstError()
    try:
        with errors.isolated():
            _publish_loads(deps)
        with errors.isolated():
            report = _repair(deps)
        errors.raise_first()
        return report
    finally:
        logger.info("usage", extra={"usage": (deps.meter.snapshot() - before).to_json()})


def _repair(deps: bootstrap.ReaperDeps) -> dict[str, Any]:
    now_ms = deps.clock.now_ms()
    until = Deadline(deps.stopwatch, deps.stopwatch.now_ms() + WORKING_MS)
    report = asdict(reap(deps.services, now_ms=now_ms, until=until, clock=deps.clock))
    if any(report.values()):
        logger.info("put right", extra=report)
    return report


def _publish_loads(deps: bootstrap.ReaperDeps) -> None:
    """Prints one line of CloudWatch's embedded metric format for each pool, from which CloudWatch makes metrics.

    The reaper does this and not the dispatcher, because the streams can keep the dispatcher's concurrency busy. A
    paused pool counts as having nothing ready, because more workers would have nothing to do there.
    """
    settings = deps.services.settings
    if not settings.pool_metrics:
        return
    rules = deps.services.rules.load()
    errors = FirstError()
    for pool in sorted(settings.pools):
        with errors.isolated():
            load = pool_load(deps.services, pool, now_ms=deps.clock.now_ms())
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


@cache
def _deployed() -> bootstrap.ReaperDeps:
    return bootstrap.reaper_function()


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Entry point for the minute's event, whose content does not matter."""
    return handle(event, _deployed())
