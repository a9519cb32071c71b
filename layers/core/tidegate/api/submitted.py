"""Finds out whom the API tells of the jobs that it accepts."""

from __future__ import annotations

from functools import partial
from typing import Final

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.entry.submitted import publish_submitted
from tidegate.usecases.submit.submit import OnAccepted, tell_nobody

_METRICS: Final = "metrics"
_ALL: Final = "all"


def on_accepted_of(router: BaseRouter) -> OnAccepted:
    """Returns the function that publishes accepted jobs, where the deployment wants every metric.

    Variables of the stage say so, because the function's environment has no room for them.
    """
    variables = router.current_event.get("stageVariables") or {}
    stack = variables.get("stack")
    if variables.get(_METRICS) != _ALL or not stack:
        return tell_nobody
    return partial(publish_submitted, stack)
