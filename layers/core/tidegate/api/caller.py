"""Reads from a request who sent it."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.domain.callers import Caller, caller_under


def caller_of(router: BaseRouter) -> Caller:
    """Returns the caller that the gateway has authenticated."""
    arn: str | None = router.current_event["requestContext"]["identity"].get("userArn")
    return caller_under(arn)
