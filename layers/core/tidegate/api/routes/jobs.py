"""The routes that submit and read jobs."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, foreseen_answer, job_view, page_answer
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import (
    JOB_ID,
    body_of,
    deps_of,
    dry_run_of,
    id_of,
    idempotency_key_of,
    refuse_other_parameters,
    until_of,
)
from tidegate.contracts.requests import read_job
from tidegate.contracts.responses import Accepted, JobPageOut
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.states import State
from tidegate.usecases.read import query
from tidegate.usecases.submit import submit
from tidegate.usecases.submit.would_submit import would_submit_job

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/jobs")
def post_job() -> Response[str]:
    """Submits one job. Answers 201 with its id, or 200 where the idempotency key found an earlier submission."""
    refuse_other_parameters(router, "dry_run")
    request, fingerprint = read_job(body_of(router))
    key, deps = idempotency_key_of(router), deps_of(router)
    if dry_run_of(router):
        return foreseen_answer(would_submit_job(deps.services, request, deps.clock.now_ms()))
    accepted = submit.submit_job(
        deps.services,
        request,
        idempotency_key=key,
        fingerprint=fingerprint,
        now_ms=deps.clock.now_ms(),
        until=until_of(router),
    )
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    return answer_with(status, Accepted(job_id=accepted.job_id), f"/v1/jobs/{accepted.job_id}")


@router.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """Returns one job."""
    refuse_other_parameters(router)
    job = query.get_job(deps_of(router).services, id_of("job", job_id, JOB_ID))
    return answer_with(HTTPStatus.OK, job_view(router, job))


@router.get("/v1/jobs")
def list_jobs() -> Response[str]:
    """Returns a page of the jobs in one state."""
    refuse_other_parameters(router, "state", "pool", "limit", "cursor")
    services, parameters = deps_of(router).services, router.current_event.query_string_parameters
    state, pool, cursor = (parameters.get(name) for name in ("state", "pool", "cursor"))
    if state is None or state not in State.__members__:
        raise InvalidRequest.of("state", f"must be one of {', '.join(State)}")

    def read(limit: int) -> JobPageOut:
        page = query.list_jobs(services, State(state), pool=pool, cursor=cursor, limit=limit)
        return {"jobs": [job_view(router, job) for job in page.jobs], "cursor": page.cursor}

    return page_answer(router, read)


refuse_other_methods(router, "/v1/jobs", "GET", "POST")
refuse_other_methods(router, "/v1/jobs/<job_id>", "GET", "PATCH")
