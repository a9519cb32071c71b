"""The routes that say who asks and who did what."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.audit_responses import AuditPageOut, MeOut
from tidegate.contracts.route import CURSOR, LIMIT, Parameter, Route
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "GET",
        "/v1/me",
        Role.VIEWER,
        "says who the caller is, and which deployment answers",
        {HTTPStatus.OK: MeOut},
    ),
    Route(
        "GET",
        "/v1/audit",
        Role.VIEWER,
        "lists the acts of callers",
        {HTTPStatus.OK: AuditPageOut},
        parameters=(
            Parameter(
                "subject", "the thing that the acts are about, such as `job#ID`; all things without it"
            ),
            Parameter("caller", "the whole subject of the caller; all callers without it"),
            Parameter("from", "the earliest time, which counts; RFC 3339 with a zone"),
            Parameter("to", "the latest time, which does not count; RFC 3339 with a zone"),
            LIMIT,
            CURSOR,
        ),
    ),
)
