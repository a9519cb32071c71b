"""The entry point of the sender of webhooks. Messages of its queue wake it."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.entry.webhooks import handle

_deployed = cache(bootstrap.webhooks_function)
logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handles an SQS event of the queue of webhooks."""
    logger.append_keys(function_request_id=context.aws_request_id)
    return handle(event, _deployed())
