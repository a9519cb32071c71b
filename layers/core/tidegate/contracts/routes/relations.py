"""The routes that show the jobs around a job."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import Field

from tidegate.contracts.relations import ChainOut, DownstreamPageOut, UpstreamPageOut
from tidegate.contracts.route import CURSOR, LIMIT, Parameter, Route
from tidegate.domain import limits
from tidegate.domain.errors import NotFound
from tidegate.domain.roles import Role

_CHAIN = (
    Parameter(
        "depth",
        f"the most edges between the job and another; {limits.DEFAULT_CHAIN_DEPTH} by default",
        Annotated[int, Field(ge=1, le=limits.MAX_CHAIN_DEPTH)],
    ),
    Parameter("direction", "the way along the edges; both by default", Literal["up", "down", "both"]),
    Parameter(
        "format",
        "mermaid or dot for a drawing in the answer; json by default",
        Literal["json", "mermaid", "dot"],
    ),
    Parameter(
        "limit",
        f"the most jobs; {limits.DEFAULT_CHAIN_JOBS} by default",
        Annotated[int, Field(ge=1, le=limits.MAX_CHAIN_JOBS)],
    ),
)

ROUTES = (
    Route(
        "GET",
        "/v1/jobs/{job_id}/dependencies",
        Role.VIEWER,
        "lists the jobs that a job depends on",
        {HTTPStatus.OK: UpstreamPageOut},
        parameters=(LIMIT, CURSOR),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/dependents",
        Role.VIEWER,
        "lists the jobs that depend on a job",
        {HTTPStatus.OK: DownstreamPageOut},
        parameters=(LIMIT, CURSOR),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/chain",
        Role.VIEWER,
        "shows the jobs up and down from a job",
        {HTTPStatus.OK: ChainOut},
        parameters=_CHAIN,
        errors=(NotFound,),
    ),
)
