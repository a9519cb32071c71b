"""The HTTP API: parse, one use case, answer."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.contracts.jobs import JobIn, WorkflowIn, job_out
from tidegate.contracts.problems import PROBLEM_CONTENT_TYPE, RETRY_AFTER_SECONDS, Problem, problem_for
from tidegate.contracts.times import to_wire
from tidegate.contracts.wire import fingerprint, job_request, parse, to_json, workflow_request
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, TidegateError
from tidegate.domain.states import State
from tidegate.usecases import cancel, query, submit

JSON = "application/json"
logger = Logger()
app = APIGatewayRestResolver()


def _deps() -> bootstrap.ApiDeps:
    deps: bootstrap.ApiDeps = app.context["deps"]
    return deps


def _answer(status: HTTPStatus, body: dict[str, Any], location: str | None = None) -> Response[str]:
    headers: dict[str, str | list[str]] = {"Location": location} if location else {}
    return Response(status, content_type=JSON, body=to_json(body), headers=headers)


def _refusal(problem: Problem) -> Response[str]:
    headers: dict[str, str | list[str]] = {}
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    body = problem.model_dump_json(exclude_none=True)
    return Response(problem.status, content_type=PROBLEM_CONTENT_TYPE, body=body, headers=headers)


def _idempotency_key() -> str | None:
    key: str | None = app.current_event.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= limits.MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise InvalidRequest.of(
            "Idempotency-Key", f"must have 1 to {limits.MAX_IDEMPOTENCY_KEY_CHARACTERS} characters"
        )
    return key


def _page() -> tuple[str | None, int]:
    parameters = app.current_event.query_string_parameters
    text = parameters.get("limit") or str(limits.DEFAULT_PAGE_SIZE)
    if not text.isdecimal() or not 1 <= int(text) <= limits.MAX_PAGE_SIZE:
        raise InvalidRequest.of("limit", f"must be a whole number from 1 to {limits.MAX_PAGE_SIZE}")
    return parameters.get("cursor"), int(text)


def _caller() -> str:
    """The last part of the caller's ARN: who asked, for the history."""
    identity = app.current_event.request_context.identity
    arn: str = identity.user_arn or ""
    return arn.rpartition("/")[2] or "client"


@app.post("/v1/jobs")
def post_job() -> Response[str]:
    """Submits one job."""
    body = app.current_event.decoded_body
    request = job_request(parse(JobIn, body))
    deps = _deps()
    accepted = submit.submit_job(
        deps.services,
        request,
        idempotency_key=_idempotency_key(),
        fingerprint=fingerprint(body or ""),
        now_ms=deps.clock.now_ms(),
    )
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    return _answer(status, {"job_id": accepted.job_id}, f"/v1/jobs/{accepted.job_id}")


@app.post("/v1/workflows")
def post_workflow() -> Response[str]:
    """Submits a workflow."""
    body = app.current_event.decoded_body
    request = workflow_request(parse(WorkflowIn, body))
    deps = _deps()
    accepted = submit.submit_workflow(
        deps.services,
        request,
        idempotency_key=_idempotency_key(),
        fingerprint=fingerprint(body or ""),
        now_ms=deps.clock.now_ms(),
    )
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    answer = {"workflow_id": accepted.workflow_id, "job_ids": accepted.job_ids}
    return _answer(status, answer, f"/v1/workflows/{accepted.workflow_id}")


@app.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """Reads one job."""
    deps = _deps()
    job = query.get_job(deps.services, job_id)
    return _answer(HTTPStatus.OK, job_out(job, deps.services.settings.rank_policy, deps.clock.now_ms()))


@app.get("/v1/jobs")
def list_jobs() -> Response[str]:
    """Lists jobs in one state."""
    deps = _deps()
    parameters = app.current_event.query_string_parameters
    text = parameters.get("state") or ""
    if text not in State.__members__:
        raise InvalidRequest.of("state", f"must be one of {', '.join(State)}")
    cursor, limit = _page()
    page = query.list_jobs(
        deps.services, State(text), pool=parameters.get("pool"), cursor=cursor, limit=limit
    )
    policy, now_ms = deps.services.settings.rank_policy, deps.clock.now_ms()
    jobs = [job_out(job, policy, now_ms) for job in page.jobs]
    return _answer(HTTPStatus.OK, {"jobs": jobs, "cursor": page.cursor})


@app.post("/v1/jobs/<job_id>/cancel")
def cancel_job(job_id: str) -> Response[str]:
    """Cancels a job, or asks its worker to."""
    deps = _deps()
    now_ms = deps.clock.now_ms()
    job = cancel.cancel_job(deps.services, job_id, actor=_caller(), now_ms=now_ms)
    status = HTTPStatus.OK if job.is_terminal else HTTPStatus.ACCEPTED
    return _answer(status, job_out(job, deps.services.settings.rank_policy, now_ms))


@app.get("/v1/workflows/<workflow_id>")
def get_workflow(workflow_id: str) -> Response[str]:
    """Reads a workflow with a page of its jobs."""
    deps = _deps()
    cursor, limit = _page()
    page = query.get_workflow(deps.services, workflow_id, cursor=cursor, limit=limit)
    policy, now_ms = deps.services.settings.rank_policy, deps.clock.now_ms()
    submission = page.submission
    answer = {
        "workflow_id": submission.submission_id,
        "name": submission.name,
        "created_at": to_wire(submission.created_at_ms),
        "job_count": submission.job_count,
        "jobs": [job_out(job, policy, now_ms) for job in page.jobs],
        "cursor": page.cursor,
    }
    return _answer(HTTPStatus.OK, answer)


@app.get("/v1/health")
def health() -> Response[str]:
    """Says that the API runs; open to everybody, so it tells no more."""
    return _answer(HTTPStatus.OK, {"status": "ok"})


def _refuse(error: TidegateError) -> Response[str]:
    return _refusal(problem_for(error, app.current_event.path))


def _fail(error: Exception) -> Response[str]:
    # By class and place only: an error's text may hold what the client sent.
    logger.error("request failed", extra={"error": type(error).__name__}, exc_info=False)
    return _refusal(problem_for(error, app.current_event.path))


def _no_such_route(_error: NotFoundError) -> Response[str]:
    path = app.current_event.path
    problem = Problem(
        type="urn:tidegate:problem:not-found",
        title="Not found",
        status=HTTPStatus.NOT_FOUND,
        detail=f"there is no {app.current_event.http_method} {path}; docs/api.md lists the routes",
        instance=path,
    )
    return _refusal(problem)


app.exception_handler(TidegateError)(_refuse)
app.exception_handler(Exception)(_fail)
app.not_found(_no_such_route)


def handle(event: dict[str, Any], deps: bootstrap.ApiDeps, context: LambdaContext) -> dict[str, Any]:
    """Answers one REST API proxy event."""
    before = deps.meter.snapshot()
    app.context["deps"] = deps  # the resolver clears its context after each event
    try:
        return app.resolve(event, context)
    finally:
        logger.info("usage", extra={"usage": (deps.meter.snapshot() - before).to_json()})


@cache
def _deployed() -> bootstrap.ApiDeps:
    return bootstrap.api_function()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point: a REST API proxy event."""
    return handle(event, _deployed(), context)
