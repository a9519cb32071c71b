"""The route that says whether the deployment works."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.route import Route
from tidegate.contracts.status import StatusOut
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "GET",
        "/v1/status",
        Role.VIEWER,
        "says whether the schedules and the streams are alive",
        {HTTPStatus.OK: StatusOut},
    ),
)
