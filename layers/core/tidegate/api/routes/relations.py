"""The routes that show the jobs around a job."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import JOB_ID, PAGE_BOUND, deps_of, id_of, limit_of, refuse_other_parameters
from tidegate.contracts.relations import (
    ChainOut,
    DownstreamPageOut,
    UpstreamPageOut,
    chain_job_out,
    dot,
    downstream_out,
    mermaid,
    upstream_out,
)
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.usecases.read import relations
from tidegate.usecases.read.relations import Direction

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations
_DRAWINGS = {"mermaid": mermaid, "dot": dot}


@router.get("/v1/jobs/<job_id>/dependencies")
def get_dependencies(job_id: str) -> Response[str]:
    """Returns a page of the dependencies of a job."""
    refuse_other_parameters(router, "limit", "cursor")
    job_id = id_of("job", job_id, JOB_ID)
    page = relations.dependencies(
        deps_of(router).services, job_id, cursor=cursor_of(router), limit=limit_of(router)
    )
    answer: UpstreamPageOut = {
        "job_id": job_id,
        "dependencies": [
            upstream_out(each.dependency, each.job, each.satisfied, each.satisfied_at_ms)
            for each in page.upstreams
        ],
        "cursor": next_cursor(router, page.cursor),
    }
    return answer_with(HTTPStatus.OK, answer)


@router.get("/v1/jobs/<job_id>/dependents")
def get_dependents(job_id: str) -> Response[str]:
    """Returns a page of the jobs that depend on a job."""
    refuse_other_parameters(router, "limit", "cursor")
    job_id = id_of("job", job_id, JOB_ID)
    page = relations.dependents(
        deps_of(router).services, job_id, cursor=cursor_of(router), limit=limit_of(router)
    )
    answer: DownstreamPageOut = {
        "job_id": job_id,
        "dependents": [downstream_out(each.dependent, each.job) for each in page.downstreams],
        "cursor": next_cursor(router, page.cursor),
    }
    return answer_with(HTTPStatus.OK, answer)


@router.get("/v1/jobs/<job_id>/chain")
def get_chain(job_id: str) -> Response[str]:
    """Returns the jobs around a job, with a drawing on request."""
    refuse_other_parameters(router, "depth", "direction", "format", "limit")
    job_id = id_of("job", job_id, JOB_ID)
    direction, form = _parameter("direction", Direction.BOTH), _parameter("format", "json")
    if direction not in list(Direction):
        raise InvalidRequest.of("direction", f"must be one of {', '.join(Direction)}")
    if form not in ("json", *_DRAWINGS):
        raise InvalidRequest.of("format", f"must be one of {', '.join(('json', *_DRAWINGS))}")
    found = relations.chain(
        deps_of(router).services,
        job_id,
        Direction(direction),
        depth=_number("depth", limits.DEFAULT_CHAIN_DEPTH, limits.MAX_CHAIN_DEPTH),
        limit=_number("limit", limits.DEFAULT_CHAIN_JOBS, limits.MAX_CHAIN_JOBS),
    )
    answer: ChainOut = {
        "job_id": found.job_id,
        "jobs": [chain_job_out(job) for job in found.jobs],
        "edges": [
            {"upstream_id": link.upstream_id, "downstream_id": link.downstream_id, "type": link.type}
            for link in found.links
        ],
        "more": found.more,
        "drawing": None,
    }
    if form in _DRAWINGS:
        answer["drawing"] = _DRAWINGS[form](answer)
    return answer_with(HTTPStatus.OK, answer)


def _parameter(name: str, default: str) -> str:
    """Returns a parameter, `default` without it. An empty one is not left out, so the route refuses it."""
    value: str = router.current_event.query_string_parameters.get(name, default)
    return value


def _number(name: str, default: int, most: int) -> int:
    text = _parameter(name, str(default))
    if not PAGE_BOUND.fullmatch(text) or not 1 <= int(text) <= most:
        raise InvalidRequest.of(name, f"must be a whole number from 1 to {most}")
    return int(text)


for _path in ("dependencies", "dependents", "chain"):
    refuse_other_methods(router, f"/v1/jobs/<job_id>/{_path}", "GET")
