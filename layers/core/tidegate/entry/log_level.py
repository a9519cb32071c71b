"""The level from which functions log, where Lambda lets through more."""

from __future__ import annotations

import logging
import os

from aws_lambda_powertools import Logger


def keep_log_level(logger: Logger) -> None:
    """Sets the level that operators ask for on the logger below Powertools' own.

    Powertools uses the level that Lambda lets through. Where a function prints metrics, or the lines of jobs, that is
    never above INFO, because such lines have no level and count as INFO.
    """
    logging.getLogger(logger.name).setLevel(os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))
