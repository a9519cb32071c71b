"""The route that the gateway answers by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from typing_extensions import TypedDict

from tidegate.contracts.route import Route


class HealthOut(TypedDict):
    """The constant answer of the gateway."""

    status: Literal["ok"]


ROUTES = (
    Route(
        "GET",
        "/v1/health",
        None,
        "says that the API is reachable. The gateway itself answers; no signature is needed",
        {HTTPStatus.OK: HealthOut},
    ),
)
