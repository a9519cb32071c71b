"""The entry point of the reaper, which a schedule starts once a minute."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.entry.reaper import run_round

_deployed = cache(bootstrap.reaper_function)
logger = Logger()


def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Runs one round for the minute's event, whose content does not matter."""
    logger.append_keys(function_request_id=context.aws_request_id)
    return run_round(_deployed())
