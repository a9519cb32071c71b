"""A run of the recorder: it decodes the changes of jobs, and records them in the progress of their workflows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger

from tidegate.bootstrap import RecorderDeps
from tidegate.domain.pulses import Part
from tidegate.entry.pulse import leave_pulse
from tidegate.entry.usage import log_usage
from tidegate.usecases.record.record import record

logger = Logger()


def handle(event: dict[str, Any], deps: RecorderDeps) -> dict[str, Any]:
    """Handles a batch of the stream of jobs.

    A failure of the stores fails the whole batch, which then comes again; handling it twice is harmless. A record that
    can't be read now can never be read, so it is logged and skipped, or it would block its shard.
    """
    before = deps.meter.snapshot()
    try:
        changes = deps.changes_from(event["Records"])
        for each in changes.unreadable:
            details = {"event_id": each.event_id, "error": each.error}
            logger.error("stream record can't be read", extra=details)
        report = record(deps.services, [change.new for change in changes.jobs])
        logger.info("recorded", extra={"changes": len(changes.jobs), **asdict(report)})
        leave_pulse(deps.services, deps.pulses, Part.RECORD, deps.clock)
        return {"batchItemFailures": []}
    finally:
        log_usage(deps.meter, since=before)
