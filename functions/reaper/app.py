"""The reaper: once a minute, puts right what an event, a message or a worker left undone."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.usecases.deadline import Deadline
from tidegate.usecases.reap import reap

logger = Logger()

WORKING_MS = 80_000  # of the function's 120 s: each repair may begin one more portion when its time is over


def handle(_event: dict[str, Any], deps: bootstrap.ReaperDeps) -> dict[str, Any]:
    """Runs one round; answers with what it put right."""
    before = deps.meter.snapshot()
    try:
        now_ms = deps.clock.now_ms()
        report = asdict(reap(deps.services, now_ms=now_ms, until=Deadline(deps.clock, now_ms + WORKING_MS)))
        if any(report.values()):
            logger.info("put right", extra=report)
        return report
    finally:
        logger.info("usage", extra={"usage": (deps.meter.snapshot() - before).to_json()})


@cache
def _deployed() -> bootstrap.ReaperDeps:
    return bootstrap.reaper_function()


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Entry point: the schedule's event, whatever it holds."""
    return handle(event, _deployed())
