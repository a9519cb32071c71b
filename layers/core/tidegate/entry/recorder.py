"""A run of the recorder: it decodes the changes of jobs, and records them in the progress of their workflows.

It also leaves the reminders of jobs that the dispatcher freed, and publishes the events that changes call for.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger

from tidegate.bootstrap import RecorderDeps
from tidegate.domain.pulses import Part
from tidegate.entry.log_level import keep_log_level
from tidegate.entry.metrics import Publisher
from tidegate.entry.pulse import leave_pulse
from tidegate.entry.usage import log_usage
from tidegate.entry.watching import publish_run
from tidegate.usecases.record.follow import follow_changes

logger = Logger()
keep_log_level(logger)  # with every metric, Lambda lets INFO through


def handle(event: dict[str, Any], deps: RecorderDeps) -> dict[str, Any]:
    """Handles a batch of the stream of jobs, of submissions or of workers.

    A failure of the stores or the bus fails the whole batch, which then comes again; handling it twice is harmless.
    Neither keeps the other from its part, because a batch comes a limited number of times. A record that can't be read
    now can never be read, so it is logged and skipped, or it would block its shard.
    """
    before = deps.meter.snapshot()
    settings = deps.services.settings
    done_since_ms: int | None = None
    try:
        changes = deps.changes_from(event["Records"])
        for each in changes.unreadable:
            details = {"event_id": each.event_id, "error": each.error}
            logger.error("stream record can't be read", extra=details)
        report = follow_changes(deps.services, changes, now_ms=deps.clock.now_ms())
        others = len(changes.workflows) + len(changes.lost)
        logger.info("recorded", extra={"changes": len(changes.jobs) + others, **asdict(report)})
        if not others:  # the pulse tells of the stream of jobs
            leave_pulse(deps.services, deps.pulses, Part.RECORD, deps.clock)
        done_since_ms = changes.oldest_at_ms
        return {"batchItemFailures": []}
    finally:
        used = log_usage(deps.meter, since=before)
        if settings.all_metrics:
            now_ms = deps.clock.now_ms()
            publish_run(settings, Publisher.RECORDER, used, now_ms=now_ms, done_since_ms=done_since_ms)
