"""Refuses requests whose token lacks the scope, or whose caller lacks the role, that the route needs."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from tidegate.api.caller import caller_of
from tidegate.api.reading import deps_of
from tidegate.domain.roles import Role
from tidegate.usecases.callers.access import refuse_beyond

_OF_CLIENTS = ("jobs", "workflows")


def check_access(app: APIGatewayRestResolver) -> None:
    """Makes the resolver refuse what a caller with a bearer token may not do, before the route begins.

    IAM's policies decide for other callers.
    """
    app.use(middlewares=[_check])


def _check(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[str]:
    event = app.current_event
    refuse_beyond(deps_of(app).services, caller_of(app), needed_role(event.http_method, event.path))
    response: Response[str] = next_middleware(app)
    return response


def needed_role(method: str, path: str) -> Role:
    """Returns the least role that may send such a request.

    The table of routes says the same for each route, and a test compares the two. The table itself would lengthen the
    function's start. A route that is not foreseen here needs the highest role.
    """
    if method == "GET":
        return Role.VIEWER
    _, _, below = path.partition("/v1/")
    return Role.CLIENT if below.split("/")[0] in _OF_CLIENTS else Role.OPERATOR
