"""The routes of pools, job types and their rules."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.pool_responses import PoolList, PoolOut, TypeList, TypeOut
from tidegate.contracts.requests import NoOptionsIn, TypeLimitIn
from tidegate.contracts.route import Route
from tidegate.domain.errors import UnknownName
from tidegate.domain.roles import Role

_POOL = {HTTPStatus.OK: PoolOut}
_TYPE = {HTTPStatus.OK: TypeOut}
_UNKNOWN = (UnknownName,)

ROUTES = (
    Route("GET", "/v1/pools", Role.VIEWER, "lists the pools with their load", {HTTPStatus.OK: PoolList}),
    Route("GET", "/v1/pools/{pool}", Role.VIEWER, "reads one pool", _POOL, errors=_UNKNOWN),
    Route(
        "POST",
        "/v1/pools/{pool}/pause",
        Role.OPERATOR,
        "stops dispatching in a pool",
        _POOL,
        body=NoOptionsIn,
        errors=_UNKNOWN,
    ),
    Route(
        "POST",
        "/v1/pools/{pool}/resume",
        Role.OPERATOR,
        "dispatches in a pool again",
        _POOL,
        body=NoOptionsIn,
        errors=_UNKNOWN,
    ),
    Route(
        "GET",
        "/v1/types",
        Role.VIEWER,
        "lists the registered job types with their rules",
        {HTTPStatus.OK: TypeList},
    ),
    Route("GET", "/v1/types/{job_type}", Role.VIEWER, "reads one job type", _TYPE, errors=_UNKNOWN),
    Route(
        "POST",
        "/v1/types/{job_type}/pause",
        Role.OPERATOR,
        "stops dispatching jobs of a type",
        _TYPE,
        body=NoOptionsIn,
        errors=_UNKNOWN,
    ),
    Route(
        "POST",
        "/v1/types/{job_type}/resume",
        Role.OPERATOR,
        "dispatches jobs of a type again",
        _TYPE,
        body=NoOptionsIn,
        errors=_UNKNOWN,
    ),
    Route(
        "PUT",
        "/v1/types/{job_type}/limit",
        Role.OPERATOR,
        "limits how many jobs of a type run at once",
        _TYPE,
        body=TypeLimitIn,
        needs_body=True,
        errors=_UNKNOWN,
    ),
)
