"""The route that forecasts after changes."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.route import Route
from tidegate.contracts.what_if import WhatIfIn, WhatIfOut
from tidegate.domain.errors import NotYours, ShareFull
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "POST",
        "/v1/forecast",
        Role.VIEWER,
        "forecasts what would end when after changes, and changes nothing",
        {HTTPStatus.OK: WhatIfOut},
        body=WhatIfIn,
        needs_body=True,
        errors=(NotYours, ShareFull),
    ),
)
