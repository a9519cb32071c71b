"""Reads from a request who sent it."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.domain.callers import Caller

_NAMELESS = "client"  # shown where the gateway passes no ARN on


def caller_of(router: BaseRouter) -> Caller:
    """Returns the caller that the gateway has authenticated. The last part of the ARN is the text that is shown."""
    arn: str = router.current_event["requestContext"]["identity"].get("userArn") or ""
    return Caller(arn, arn.rpartition("/")[2] or _NAMELESS)
