"""The routes of a pool's shares."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.requests import NoOptionsIn
from tidegate.contracts.route import Route
from tidegate.contracts.shares import ShareList, ShareOut, ShareRuleIn
from tidegate.domain.errors import NotFound, UnknownName
from tidegate.domain.roles import Role

_SHARE = {HTTPStatus.OK: ShareOut}
_PATH = "/v1/pools/{pool}/shares/{share}"
_UNKNOWN = (UnknownName, NotFound)

ROUTES = (
    Route(
        "GET",
        "/v1/pools/{pool}/shares",
        Role.VIEWER,
        "lists the shares of a pool",
        {HTTPStatus.OK: ShareList},
        errors=(UnknownName,),
    ),
    Route("GET", _PATH, Role.VIEWER, "reads one share of a pool", _SHARE, errors=_UNKNOWN),
    Route(
        "PUT",
        _PATH,
        Role.OPERATOR,
        "makes a share of a pool, or changes its weight and bounds",
        _SHARE,
        body=ShareRuleIn,
        needs_body=True,
        errors=_UNKNOWN,
    ),
    Route(
        "DELETE",
        _PATH,
        Role.OPERATOR,
        "removes a share of a pool",
        _SHARE,
        body=NoOptionsIn,
        errors=_UNKNOWN,
    ),
)
