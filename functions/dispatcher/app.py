"""The dispatcher: woken by the streams of jobs, of workers and of rules, and by the schedule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.domain.job import Job
from tidegate.usecases.deadline import Deadline
from tidegate.usecases.dispatch import DispatchReport
from tidegate.usecases.react import react
from tidegate.usecases.serve import serve_pools
from tidegate.usecases.status import pool_load
from tidegate.usecases.tick import tick

logger = Logger()

WORKING_MS = 200_000  # of the function's 300 s: so long it releases, and then the same news comes again


def handle(event: dict[str, Any], deps: bootstrap.DispatcherDeps) -> dict[str, Any]:
    """Reacts to a stream's jobs, to workers that joined or to new rules; any other event is the schedule's.

    A failure of the stores fails the whole batch, which then comes again: doing it twice is harmless. A record
    that can't be read never will be, so it is logged and passed over rather than block its shard.
    """
    before = deps.meter.snapshot()
    try:
        if "Records" not in event:
            pools = tick(deps.services, now_ms=deps.clock.now_ms())
            _log(pools)
            if deps.services.settings.pool_metrics:
                _publish_loads(deps)
            return {"dispatched": sum(pool.dispatched for pool in pools)}
        if any(deps.is_of_rules(_keys(record)) for record in event["Records"]):
            deps.services.recall.forget()
            _log(tick(deps.services, now_ms=deps.clock.now_ms()))  # a rule may concern every pool
            return {"batchItemFailures": []}
        joined = {pool for record in event["Records"] if (pool := _pool_joined(record, deps)) is not None}
        if joined:
            _log(serve_pools(deps.services, joined, deps.clock.now_ms()))
            return {"batchItemFailures": []}
        changed = [job for record in event["Records"] if (job := _changed_job(record, deps)) is not None]
        news = [job for job in changed if not deps.own_news.is_old(job)]
        if news:
            _react(news, deps)
        return {"batchItemFailures": []}
    finally:
        logger.info("usage", extra={"usage": (deps.meter.snapshot() - before).to_json()})


def _react(news: Sequence[Job], deps: bootstrap.DispatcherDeps) -> None:
    now_ms = deps.clock.now_ms()
    due = deps.services.settings.pools.keys() if deps.due_watch.is_time(now_ms) else frozenset[str]()
    until = Deadline(deps.clock, now_ms + WORKING_MS)
    reports = react(deps.services, news, due=due, now_ms=now_ms, until=until).pools
    for report in reports:
        deps.own_news.note(report.jobs)
    _log(reports)


def _pool_joined(record: dict[str, Any], deps: bootstrap.DispatcherDeps) -> str | None:
    """The pool that a worker has joined, where the record is of the Workers table."""
    return deps.pool_of_worker(_keys(record))


def _keys(record: dict[str, Any]) -> dict[str, Any]:
    return (record.get("dynamodb") or {}).get("Keys") or {}


def _changed_job(record: dict[str, Any], deps: bootstrap.DispatcherDeps) -> Job | None:
    if record.get("eventName") == "REMOVE":
        return None
    try:
        return deps.job_from_image(record["dynamodb"]["NewImage"])
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one record, the shard goes on
        details = {"event_id": record.get("eventID"), "error": type(error).__name__}
        logger.error("stream record can't be read", extra=details)
        return None


def _log(pools: Iterable[DispatchReport]) -> None:
    for pool in pools:
        if pool.dispatched:
            details = {"pool": pool.pool, "dispatched": pool.dispatched, "unsent": pool.unsent}
            logger.info("dispatched", extra=details)


def _publish_loads(deps: bootstrap.DispatcherDeps) -> None:
    """One line of CloudWatch's embedded metric format for each pool; what is scaled by them reads them there.

    In a pool that is paused nothing is ready: it would only bring up workers that may do nothing.
    """
    settings, rules = deps.services.settings, deps.services.rules.load()
    for pool in sorted(settings.pools):
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


@cache
def _deployed() -> bootstrap.DispatcherDeps:
    return bootstrap.dispatcher_function()


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Entry point: a DynamoDB stream event, or the schedule's."""
    return handle(event, _deployed())
