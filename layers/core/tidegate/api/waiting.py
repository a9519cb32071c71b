"""Reads from a request whether its answer may wait for an end."""

from __future__ import annotations

import re

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.api.reading import deps_of, until_of
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.limits import MAX_ASKED_WAIT_SECONDS, MAX_OPEN_WAITS
from tidegate.usecases.read.wait import Patience

# The variable of the stage that says how many calls may wait at once. The function's environment has no room for it.
WAITS = "waits"
_SECONDS = re.compile("[0-9]{1,2}")
_NUMBER = re.compile("[0-9]{1,3}")
# Work in portions stops 14 s before the function's end, a wait 8 s before it: only the answer is left to do.
_LATER_MS = 6_000


def patience_of(router: BaseRouter) -> Patience | None:
    """Returns how long the request may wait, None where it does not ask to, or where the deployment lets no call wait.

    Raises InvalidRequest where the parameter `wait` is no whole number of seconds from 0 to 20.
    """
    text: str = router.current_event.query_string_parameters.get("wait", "0")
    if not _SECONDS.fullmatch(text) or int(text) > MAX_ASKED_WAIT_SECONDS:
        raise InvalidRequest.of(
            "wait", f"must be a whole number of seconds from 0 to {MAX_ASKED_WAIT_SECONDS}"
        )
    longest_ms, most = int(text) * 1_000, _most_of(router)
    if not longest_ms or not most:
        return None
    until = until_of(router).later(_LATER_MS)
    return Patience(longest_ms, until, most, deps_of(router).pauses)


def _most_of(router: BaseRouter) -> int:
    variables = router.current_event.get("stageVariables") or {}
    text = str(variables.get(WAITS) or "0")
    return min(int(text), MAX_OPEN_WAITS) if _NUMBER.fullmatch(text) else 0
