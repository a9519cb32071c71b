"""Refuses requests whose token lacks the scope, or whose caller lacks the role, that the route needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.api.caller import caller_with_token
from tidegate.api.errors import refusal_of
from tidegate.bootstrap import ApiDeps
from tidegate.domain.roles import Role
from tidegate.usecases.callers.access import refuse_beyond

_OF_CLIENTS = ("jobs", "timetables", "workflows")
_ASKS = "forecast"  # below which a POST only asks


def refusal_by_access(event: Mapping[str, Any], deps: ApiDeps) -> dict[str, Any] | None:
    """Returns the answer to a request with a bearer token whose scope or role does not reach, None if they do.

    `event` is a proxy event of the API for bearer tokens. IAM's policies decide for other callers.
    """
    context, path = event["requestContext"], str(event.get("path") or "")
    try:
        caller = caller_with_token(context.get("authorizer") or {})
        refuse_beyond(deps.services, caller, needed_role(event["httpMethod"], path))
    except Exception as error:  # noqa: BLE001 - answered as the resolver answers errors of routes
        refused = refusal_of(error, path, context.get("requestId"))
        headers = {"Content-Type": refused.content_type, **refused.headers}
        return {
            "statusCode": int(refused.status_code),
            "multiValueHeaders": {name: [str(value)] for name, value in headers.items()},
            "body": refused.body,
            "isBase64Encoded": False,
        }
    return None


def needed_role(method: str, path: str) -> Role:
    """Returns the least role that may send such a request.

    The table of routes says the same for each route, and a test compares the two. The table itself would lengthen the
    function's start. A route that is not foreseen here needs the highest role.
    """
    _, _, below = path.partition("/v1/")
    if method == "GET" or (method, below) == ("POST", _ASKS):
        return Role.VIEWER
    return Role.CLIENT if below.split("/")[0] in _OF_CLIENTS else Role.OPERATOR
