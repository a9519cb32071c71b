"""A run of the dispatcher: it decodes the changes of a stream, follows them or ticks, and logs what it dispatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools import Logger

from tidegate.bootstrap import DispatcherDeps
from tidegate.domain.changes import Changes
from tidegate.domain.pulses import Part
from tidegate.entry.log_level import keep_log_level
from tidegate.entry.metrics import Publisher
from tidegate.entry.pulse import leave_pulse
from tidegate.entry.usage import log_usage
from tidegate.entry.watching import publish_dispatched, publish_ended, publish_run
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.dispatch.dispatch import DispatchReport
from tidegate.usecases.dispatch.follow import follow, follow_tick, tick_if_overdue
from tidegate.usecases.isolation import FirstError

logger = Logger()
keep_log_level(logger)  # with every metric, Lambda lets INFO through

_NAMED_JOBS = 2_000  # in a line, which may have 256 KB; an id has at most 31 characters
WORKING_MS = 200_000  # of the function's 300 s; releasing then stops, and Lambda sends the same changes again


def handle(event: dict[str, Any], deps: DispatcherDeps) -> dict[str, Any]:
    """Handles the changes of one stream (jobs, workers that joined, or rules). Any other event is a tick.

    A failure of the stores fails the whole batch, which then comes again; handling it twice is harmless. A record that
    can't be read now can never be read, so it is logged and skipped, or it would block its shard. Where ticks do not
    arrive, a run that a stream woke does a tick's work once it is overdue.
    """
    before = deps.meter.snapshot()
    settings = deps.services.settings
    done_since_ms: int | None = None
    errors = FirstError()
    try:
        if "Records" not in event:
            dispatched = 0
            with errors.isolated():
                dispatched = _tick(deps)
            leave_pulse(deps.services, deps.pulses, Part.DISPATCHER, deps.clock)
            errors.raise_first()
            return {"dispatched": dispatched}
        changes = Changes()
        with errors.isolated():
            changes = _follow(event["Records"], deps)
            if changes.jobs:
                leave_pulse(deps.services, deps.pulses, Part.RELEASE, deps.clock)
        with errors.isolated():
            _tick_if_overdue(deps)
        errors.raise_first()
        done_since_ms = changes.oldest_at_ms
        if settings.all_metrics:  # a batch that failed comes again, and must not count twice
            publish_ended(settings, changes.jobs)
        return {"batchItemFailures": []}
    finally:
        used = log_usage(deps.meter, since=before)
        if settings.all_metrics:
            now_ms = deps.clock.now_ms()
            publish_run(settings, Publisher.DISPATCHER, used, now_ms=now_ms, done_since_ms=done_since_ms)


def _tick(deps: DispatcherDeps) -> int:
    """Does the work of a tick. Returns how many jobs it dispatched."""
    now_ms = deps.clock.now_ms()
    pools = follow_tick(deps.services, deps.memory, now_ms=now_ms, stopwatch=deps.stopwatch)
    _tell(pools, deps)
    return sum(pool.dispatched for pool in pools)


def _tick_if_overdue(deps: DispatcherDeps) -> None:
    now_ms = deps.clock.now_ms()
    _tell(tick_if_overdue(deps.services, deps.memory, now_ms=now_ms, stopwatch=deps.stopwatch), deps)


def _follow(records: Sequence[dict[str, Any]], deps: DispatcherDeps) -> Changes:
    changes = deps.changes_from(records)
    for record in changes.unreadable:
        details = {"event_id": record.event_id, "error": record.error}
        logger.error("stream record can't be read", extra=details)
    until = Deadline(deps.stopwatch, deps.stopwatch.now_ms() + WORKING_MS)
    _tell(follow(deps.services, changes, deps.memory, now_ms=deps.clock.now_ms(), until=until), deps)
    return changes


def _tell(pools: Sequence[DispatchReport], deps: DispatcherDeps) -> None:
    """Logs which jobs of each pool were dispatched, and publishes it where the deployment wants every metric."""
    for pool in pools:
        if pool.dispatched:
            ids = [job.job_id for job in pool.jobs[:_NAMED_JOBS]]
            details = {
                "pool": pool.pool,
                "dispatched": pool.dispatched,
                "unsent": pool.unsent,
                "job_ids": ids,
            }
            logger.info("dispatched", extra=details)
    if deps.services.settings.all_metrics:
        publish_dispatched(deps.services.settings, pools)
