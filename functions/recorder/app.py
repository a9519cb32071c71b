"""The entry point of the recorder. Changes of workflows' jobs wake it."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.entry.recorder import handle

_deployed = cache(bootstrap.recorder_function)


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handles a DynamoDB stream event."""
    return handle(event, _deployed())
