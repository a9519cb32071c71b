"""The reaper: once a minute, puts right what an event, a message or a worker left undone."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.usecases.reap import reap

logger = Logger()


def handle(_event: dict[str, Any], deps: bootstrap.ReaperDeps) -> dict[str, Any]:
    """Runs one round; answers with what it put right."""
    before = deps.meter.snapshot()
    try:
        report = asdict(reap(deps.services, now_ms=deps.clock.now_ms()))
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
