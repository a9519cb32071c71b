"""The entry point of the dispatcher. Changes of jobs, workers and rules wake it, and a tick every minute."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.entry.dispatcher import handle

_deployed = cache(bootstrap.dispatcher_function)
logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handles a DynamoDB stream event or a tick."""
    logger.append_keys(function_request_id=context.aws_request_id)
    return handle(event, _deployed())
