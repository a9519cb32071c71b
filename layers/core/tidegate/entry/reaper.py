"""A run of the reaper: it publishes the load of each pool, repairs what other parts left undone, and logs that."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger

from tidegate.bootstrap import ReaperDeps
from tidegate.domain.pulses import Part
from tidegate.entry.loads import publish_loads
from tidegate.entry.log_level import keep_log_level
from tidegate.entry.metrics import Publisher
from tidegate.entry.pulse import leave_pulse
from tidegate.entry.usage import log_usage
from tidegate.entry.watching import publish_repairs, publish_run
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.reap.reap import reap

logger = Logger()
keep_log_level(logger)

WORKING_MS = 80_000  # of the function's 120 s: each repair may begin one more portion just before this ends


def run_round(deps: ReaperDeps) -> dict[str, Any]:
    """Publishes each pool's load where the deployment wants that, then runs one round of repairs.

    The reaper publishes and not the dispatcher, because the streams can keep the dispatcher's concurrency busy. If one
    of the two fails, the other still runs. Returns how many things each repair put right.
    """
    before = deps.meter.snapshot()
    report: dict[str, Any] = {}
    errors = FirstError()
    try:
        with errors.isolated():
            publish_loads(deps.services, deps.clock)
        with errors.isolated():
            report = _repair(deps)
        leave_pulse(deps.services, deps.pulses, Part.REAPER, deps.clock)
        errors.raise_first()
        return report
    finally:
        used = log_usage(deps.meter, since=before)
        if deps.services.settings.all_metrics:
            publish_run(deps.services.settings, Publisher.REAPER, used, now_ms=deps.clock.now_ms())


def _repair(deps: ReaperDeps) -> dict[str, Any]:
    now_ms = deps.clock.now_ms()
    until = Deadline(deps.stopwatch, deps.stopwatch.now_ms() + WORKING_MS)
    repaired = reap(deps.services, now_ms=now_ms, until=until, clock=deps.clock)
    report = asdict(repaired)
    if any(report.values()):
        logger.info("put right", extra=report)
    if deps.services.settings.all_metrics:
        letters = repaired.jobs_undeliverable + repaired.jobs_given_up
        publish_repairs(deps.services.settings, workers_lost=repaired.workers_lost, dead_letters=letters)
    return report
