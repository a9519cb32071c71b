"""The entry point of the HTTP API."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.api.app import answer_in_time

_deployed = cache(bootstrap.api_function)
logger = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers one REST API proxy event."""
    logger.append_keys(function_request_id=context.aws_request_id)
    return answer_in_time(event, _deployed(), context)
