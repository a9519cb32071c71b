"""The HTTP API. Each route parses the request, calls one use case, and answers."""

from __future__ import annotations

import traceback
from functools import cache
from http import HTTPStatus
from typing import Any

import operator_routes
import recovery_routes
import worker_routes
from answers import (
    JOB_ID,
    PAGE_BOUND,
    ULID,
    answer_with,
    body_of,
    deps_of,
    id_of,
    idempotency_key_of,
    job_view,
    page_answer,
    refusal,
    refuse_other_methods,
    refuse_other_parameters,
    until_of,
)
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.contracts.problems import RETRY_AFTER_SECONDS, no_such_route, problem_for
from tidegate.contracts.times import to_wire
from tidegate.contracts.wire import read_job, read_workflow
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.usecases.bounds.deadline import (
    NEVER,
    Deadline,
)
from tidegate.usecases.read import query
from tidegate.usecases.submit import submit

_SHOWN_FRAMES = 4
_RESERVE_SECONDS = (
    5.0  # of the function's 29 s, to end the present call and to answer 503 before the gateway does
)
# Time for a portion that began just before the deadline, for judging the jobs that it reopened, and for the answer.
# Only requests for thousands of jobs reach the deadline.
_PORTION_RESERVE_SECONDS = 14.0
logger = Logger()
app = APIGatewayRestResolver()
app.include_router(worker_routes.router)
app.include_router(operator_routes.router)
app.include_router(recovery_routes.router)


def _job_view(job: Job) -> dict[str, Any]:
    return job_view(app, job)


@app.post("/v1/jobs")
def post_job() -> Response[str]:
    """Submits one job. Answers 201 with its id, or 200 where the idempotency key found an earlier submission."""
    refuse_other_parameters(app)
    request, fingerprint = read_job(body_of(app))
    key, deps = idempotency_key_of(app), deps_of(app)
    accepted = submit.submit_job(
        deps.services,
        request,
        idempotency_key=key,
        fingerprint=fingerprint,
        now_ms=deps.clock.now_ms(),
        until=until_of(app),
    )
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    return answer_with(status, {"job_id": accepted.job_id}, f"/v1/jobs/{accepted.job_id}")


@app.post("/v1/workflows")
def post_workflow() -> Response[str]:
    """Submits a workflow. Answers 201 with its ids, or 200 where the idempotency key found an earlier submission."""
    refuse_other_parameters(app)
    request, fingerprint = read_workflow(body_of(app))
    key, deps = idempotency_key_of(app), deps_of(app)
    accepted = submit.submit_workflow(
        deps.services,
        request,
        idempotency_key=key,
        fingerprint=fingerprint,
        now_ms=deps.clock.now_ms(),
        until=until_of(app),
    )
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    answer = {"workflow_id": accepted.workflow_id, "job_ids": accepted.job_ids}
    return answer_with(status, answer, f"/v1/workflows/{accepted.workflow_id}")


@app.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """Returns one job."""
    refuse_other_parameters(app)
    job = query.get_job(deps_of(app).services, id_of("job", job_id, JOB_ID))
    return answer_with(HTTPStatus.OK, _job_view(job))


@app.get("/v1/jobs")
def list_jobs() -> Response[str]:
    """Returns a page of the jobs in one state."""
    refuse_other_parameters(app, "state", "pool", "limit", "cursor")
    services, parameters = deps_of(app).services, app.current_event.query_string_parameters
    state, pool, cursor = (parameters.get(name) for name in ("state", "pool", "cursor"))
    if state is None or state not in State.__members__:
        raise InvalidRequest.of("state", f"must be one of {', '.join(State)}")

    def read(limit: int) -> dict[str, Any]:
        page = query.list_jobs(services, State(state), pool=pool, cursor=cursor, limit=limit)
        return {"jobs": [_job_view(job) for job in page.jobs], "cursor": page.cursor}

    return page_answer(app, read)


@app.get("/v1/workflows/<workflow_id>")
def get_workflow(workflow_id: str) -> Response[str]:
    """Returns a workflow with a page of its jobs."""
    refuse_other_parameters(app, "limit", "cursor")
    services = deps_of(app).services
    id_of("workflow", workflow_id, ULID)
    cursor = app.current_event.query_string_parameters.get("cursor")
    if cursor is not None and not PAGE_BOUND.fullmatch(cursor):
        raise InvalidRequest.of(
            "cursor",
            "is not a cursor of this workflow; leave it out to start over, or pass on the last page's",
        )

    def read(limit: int) -> dict[str, Any]:
        page = query.get_workflow(services, workflow_id, cursor=cursor, limit=limit)
        return {
            "workflow_id": page.submission.submission_id,
            "name": page.submission.name,
            "created_at": to_wire(page.submission.created_at_ms),
            "job_count": page.submission.job_count,
            "jobs": [_job_view(job) for job in page.jobs],
            "cursor": page.cursor,
        }

    return page_answer(app, read)


def _refuse(error: Exception) -> Response[str]:
    event = app.current_event
    request_id = event.request_context.request_id
    problem = problem_for(error, event.path, request_id)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Logs the class and the place only, because an error's text may hold what the client sent.
        frames = traceback.extract_tb(error.__traceback__)[-_SHOWN_FRAMES:]
        details = {
            "error": type(error).__name__,
            "cause": type(error.__cause__).__name__ if error.__cause__ else None,
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
            "api_request_id": request_id,
        }
        logger.error("request failed", extra=details)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return refusal(problem, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return refusal(problem)


def _no_such_route(_error: NotFoundError) -> Response[str]:
    return refusal(no_such_route(app.current_event.http_method, app.current_event.path))


refuse_other_methods(app, "/v1/jobs", "GET", "POST")
refuse_other_methods(app, "/v1/jobs/<job_id>", "GET")
refuse_other_methods(app, "/v1/workflows", "POST")
refuse_other_methods(app, "/v1/workflows/<workflow_id>", "GET")
app.exception_handler(Exception)(_refuse)
app.not_found(_no_such_route)


def handle(
    event: dict[str, Any], deps: bootstrap.ApiDeps, context: LambdaContext, until: Deadline = NEVER
) -> dict[str, Any]:
    """Answers one REST API proxy event. Work in portions stops at `until`."""
    before = deps.meter.snapshot()
    app.context["deps"] = deps  # the resolver clears its context after each event
    app.context["until"] = until
    try:
        return app.resolve(event, context)
    finally:
        logger.info("usage", extra={"usage": (deps.meter.snapshot() - before).to_json()})


@cache
def _deployed() -> bootstrap.ApiDeps:
    return bootstrap.api_function()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point for a REST API proxy event."""
    deps = _deployed()
    left_seconds = context.get_remaining_time_in_millis() / 1_000
    portions_ms = int((left_seconds - _PORTION_RESERVE_SECONDS) * 1_000)
    until = Deadline(deps.stopwatch, deps.stopwatch.now_ms() + portions_ms)
    with deps.allowance.of(left_seconds - _RESERVE_SECONDS):
        return handle(event, deps, context, until)
