"""The dispatcher. Changes of jobs, workers and rules wake it, and a tick every minute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.domain.job import Job
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.dispatch.dispatch import DispatchReport
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.isolation import first_then

logger = Logger()

WORKING_MS = 200_000  # of the function's 300 s; releasing then stops, and Lambda sends the same changes again


def handle(event: dict[str, Any], deps: bootstrap.DispatcherDeps) -> dict[str, Any]:
    """Handles the changes of one stream (jobs, workers that joined, or rules). Any other event is a tick.

    A failure of the stores fails the whole batch, which then comes again; handling it twice is harmless. A record that
    can't be read now can never be read, so it is logged and skipped, or it would block its shard. Where ticks do not
    arrive, a run that a stream woke does a tick's work once it is overdue.
    """
    before = deps.meter.snapshot()
    try:
        if "Records" not in event:
            return {"dispatched": _tick(deps)}
        first_then(lambda: _follow(event["Records"], deps), lambda: _tick_if_overdue(deps))
        return {"batchItemFailures": []}
    finally:
        logger.info("usage", extra={"usage": (deps.meter.snapshot() - before).to_json()})


def _tick(deps: bootstrap.DispatcherDeps) -> int:
    """Does the work of a tick. Returns how many jobs it dispatched."""
    now_ms = deps.clock.now_ms()
    deps.tick_watch.note(now_ms)  # noted first, so that a tick that fails is not repeated by every run
    pools = tick(deps.services, now_ms=now_ms, stopwatch=deps.stopwatch)
    _log(pools)
    return sum(pool.dispatched for pool in pools)


def _tick_if_overdue(deps: bootstrap.DispatcherDeps) -> None:
    if deps.tick_watch.is_overdue(deps.clock.now_ms()):
        _tick(deps)


def _follow(records: Sequence[dict[str, Any]], deps: bootstrap.DispatcherDeps) -> None:
    if any(deps.is_of_rules(_keys(record)) for record in records):
        deps.services.recall.forget()
        _tick(deps)  # a rule may concern every pool
        return
    joined = {pool for record in records if (pool := _pool_joined(record, deps)) is not None}
    if joined:
        _log(serve_pools(deps.services, joined, deps.clock.now_ms(), stopwatch=deps.stopwatch))
        return
    changed = [job for record in records if (job := _changed_job(record, deps)) is not None]
    news = [job for job in changed if not deps.own_news.is_old(job)]
    if news:
        _react(news, deps)


def _react(news: Sequence[Job], deps: bootstrap.DispatcherDeps) -> None:
    now_ms = deps.clock.now_ms()
    due = deps.services.settings.pools.keys() if deps.due_watch.is_time(now_ms) else frozenset[str]()
    until = Deadline(deps.stopwatch, deps.stopwatch.now_ms() + WORKING_MS)
    reports = react(deps.services, news, due=due, now_ms=now_ms, until=until).pools
    for report in reports:
        deps.own_news.note(report.jobs)
    _log(reports)


def _pool_joined(record: dict[str, Any], deps: bootstrap.DispatcherDeps) -> str | None:
    """Returns the pool that a worker has joined, None where the record is not of the Workers table."""
    return deps.pool_of_worker(_keys(record))


def _keys(record: dict[str, Any]) -> dict[str, Any]:
    return (record.get("dynamodb") or {}).get("Keys") or {}


def _changed_job(record: dict[str, Any], deps: bootstrap.DispatcherDeps) -> Job | None:
    if record.get("eventName") == "REMOVE":
        return None
    try:
        return deps.job_from_image(record["dynamodb"]["NewImage"])
    except Exception as error:  # noqa: BLE001 - one bad record must not block its shard
        details = {"event_id": record.get("eventID"), "error": type(error).__name__}
        logger.error("stream record can't be read", extra=details)
        return None


def _log(pools: Iterable[DispatchReport]) -> None:
    for pool in pools:
        if pool.dispatched:
            details = {"pool": pool.pool, "dispatched": pool.dispatched, "unsent": pool.unsent}
            logger.info("dispatched", extra=details)


@cache
def _deployed() -> bootstrap.DispatcherDeps:
    return bootstrap.dispatcher_function()


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Entry point for a DynamoDB stream event or a tick."""
    return handle(event, _deployed())
