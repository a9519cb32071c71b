"""The routes of the callers' grants."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.grants import GrantIn, GrantList, GrantOut
from tidegate.contracts.requests import NoOptionsIn
from tidegate.contracts.route import Parameter, Route
from tidegate.domain.errors import NotFound
from tidegate.domain.roles import Role

_NAMESPACE = Parameter(
    "namespace",
    "the ARN of a user, a role or another caller, or the issuer and the sub of a token, as ISSUER#SUB",
    required=True,
)

ROUTES = (
    Route(
        "GET",
        "/v1/grants",
        Role.VIEWER,
        "lists the grants of callers: their roles and shared namespaces",
        {HTTPStatus.OK: GrantList},
    ),
    Route(
        "PUT",
        "/v1/grants",
        Role.OPERATOR,
        "gives a caller a role and shared namespaces",
        {HTTPStatus.OK: GrantOut},
        body=GrantIn,
        needs_body=True,
        parameters=(_NAMESPACE,),
    ),
    Route(
        "DELETE",
        "/v1/grants",
        Role.OPERATOR,
        "removes the grant of a caller",
        {HTTPStatus.OK: GrantOut},
        body=NoOptionsIn,
        parameters=(_NAMESPACE,),
        errors=(NotFound,),
    ),
)
