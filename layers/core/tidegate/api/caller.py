"""Reads from a request who sent it."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter


def caller_of(router: BaseRouter) -> str:
    """Returns the last part of the caller's ARN, which the history names as the actor."""
    arn: str = router.current_event["requestContext"]["identity"].get("userArn") or ""
    return arn.rpartition("/")[2] or "client"
