"""The usage line in the log of each run of a function."""

from __future__ import annotations

from aws_lambda_powertools import Logger

from tidegate.bootstrap import Meter, Usage

logger = Logger()


def log_usage(meter: Meter, *, since: Usage) -> Usage:
    """Logs what the requests to AWS after the snapshot `since` used, and returns it."""
    used = meter.snapshot() - since
    logger.info("usage", extra={"usage": used.to_json()})
    return used
