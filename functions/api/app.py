"""The HTTP API: parse, one use case, answer."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.contracts.jobs import job_out
from tidegate.contracts.problems import (
    PROBLEM_CONTENT_TYPE,
    RETRY_AFTER_SECONDS,
    Problem,
    method_not_allowed,
    no_such_route,
    problem_for,
)
from tidegate.contracts.times import to_wire
from tidegate.contracts.wire import fits_in_answer, read_job, read_workflow, to_json
from tidegate.domain import limits
from tidegate.domain.errors import BodyTooLarge, InvalidRequest, MalformedBody, NotFound
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.usecases import cancel, query, submit

if TYPE_CHECKING:
    import functions.api.operations as operations
else:
    import operations  # this folder is the function's root

JSON = "application/json"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_ULID = re.compile(r"[0-9A-Z]{26}")
_JOB_ID = re.compile(r"[0-9A-Z]{26}(\.(0|[1-9][0-9]{0,3}))?")
_SHOWN_CHARACTERS = 64  # of an id that can't be one
_SHOWN_FRAMES = 4
_PAGE_BOUND = re.compile(r"[0-9]{1,5}")  # a page's size, or a workflow's cursor
logger = Logger()
app = APIGatewayRestResolver()


def _deps() -> bootstrap.ApiDeps:
    deps: bootstrap.ApiDeps = app.context["deps"]
    return deps


def _answer(status: HTTPStatus, body: dict[str, Any], location: str | None = None) -> Response[str]:
    headers: dict[str, str | list[str]] = {"Location": location} if location else {}
    return Response(status, content_type=JSON, body=to_json(body), headers=headers)


def _refusal(problem: Problem, headers: dict[str, str | list[str]] | None = None) -> Response[str]:
    body = problem.model_dump_json(exclude_none=True)
    return Response(problem.status, content_type=PROBLEM_CONTENT_TYPE, body=body, headers=headers or {})


def _body() -> str:
    try:
        text: str = app.current_event.decoded_body or ""
        size_bytes = len(text.encode())
    except ValueError as error:  # no base64, or no UTF-8
        raise MalformedBody("the body is not UTF-8 text; send a JSON object") from error
    if size_bytes > limits.MAX_BODY_BYTES:
        raise BodyTooLarge(
            f"the body has {size_bytes:,} bytes; at most {limits.MAX_BODY_BYTES:,} are allowed: "
            "submit the work as several workflows"
        )
    return text


def _idempotency_key() -> str | None:
    key: str | None = app.current_event.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= limits.MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise InvalidRequest.of(
            "Idempotency-Key", f"must have 1 to {limits.MAX_IDEMPOTENCY_KEY_CHARACTERS} characters"
        )
    return key


def _id(what: str, text: str, form: re.Pattern[str]) -> str:
    if not form.fullmatch(text):
        raise NotFound(what, text[:_SHOWN_CHARACTERS])
    return text


def _limit() -> int:
    text = app.current_event.query_string_parameters.get("limit", str(limits.DEFAULT_PAGE_SIZE))
    if not _PAGE_BOUND.fullmatch(text) or not 1 <= int(text) <= limits.MAX_PAGE_SIZE:
        raise InvalidRequest.of("limit", f"must be a whole number from 1 to {limits.MAX_PAGE_SIZE}")
    return int(text)


def _caller() -> str:
    """The last part of the caller's ARN: who asked, for the history."""
    identity = app.current_event.request_context.identity
    arn: str = identity.user_arn or ""
    return arn.rpartition("/")[2] or "client"


def _job_view(job: Job) -> dict[str, Any]:
    deps = _deps()
    return job_out(job, deps.services.settings.rank_policy, deps.clock.now_ms())


def _page_answer(read: Callable[[int], dict[str, Any]]) -> Response[str]:
    """The page that `read` gives for a limit; a smaller one where its jobs are too large for one answer."""
    limit = _limit()
    answer = _answer(HTTPStatus.OK, read(limit))
    while limit > 1 and not fits_in_answer(answer.body or ""):
        limit //= 2
        answer = _answer(HTTPStatus.OK, read(limit))
    return answer


@app.post("/v1/jobs")
def post_job() -> Response[str]:
    """Submits one job."""
    request, fingerprint = read_job(_body())
    key, deps = _idempotency_key(), _deps()
    accepted = submit.submit_job(
        deps.services, request, idempotency_key=key, fingerprint=fingerprint, now_ms=deps.clock.now_ms()
    )
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    return _answer(status, {"job_id": accepted.job_id}, f"/v1/jobs/{accepted.job_id}")


@app.post("/v1/workflows")
def post_workflow() -> Response[str]:
    """Submits a workflow."""
    request, fingerprint = read_workflow(_body())
    key, deps = _idempotency_key(), _deps()
    accepted = submit.submit_workflow(
        deps.services, request, idempotency_key=key, fingerprint=fingerprint, now_ms=deps.clock.now_ms()
    )
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    answer = {"workflow_id": accepted.workflow_id, "job_ids": accepted.job_ids}
    return _answer(status, answer, f"/v1/workflows/{accepted.workflow_id}")


@app.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """Reads one job."""
    job = query.get_job(_deps().services, _id("job", job_id, _JOB_ID))
    return _answer(HTTPStatus.OK, _job_view(job))


@app.get("/v1/jobs")
def list_jobs() -> Response[str]:
    """Lists jobs in one state."""
    services, parameters = _deps().services, app.current_event.query_string_parameters
    state, pool, cursor = (parameters.get(name) for name in ("state", "pool", "cursor"))
    if state is None or state not in State.__members__:
        raise InvalidRequest.of("state", f"must be one of {', '.join(State)}")

    def read(limit: int) -> dict[str, Any]:
        page = query.list_jobs(services, State(state), pool=pool, cursor=cursor, limit=limit)
        return {"jobs": [_job_view(job) for job in page.jobs], "cursor": page.cursor}

    return _page_answer(read)


@app.post("/v1/jobs/<job_id>/cancel")
def cancel_job(job_id: str) -> Response[str]:
    """Cancels a job, or asks its worker to."""
    deps = _deps()
    now_ms = deps.clock.now_ms()
    job = cancel.cancel_job(deps.services, _id("job", job_id, _JOB_ID), actor=_caller(), now_ms=now_ms)
    return _answer(HTTPStatus.OK if job.is_terminal else HTTPStatus.ACCEPTED, _job_view(job))


@app.get("/v1/workflows/<workflow_id>")
def get_workflow(workflow_id: str) -> Response[str]:
    """Reads a workflow with a page of its jobs."""
    services = _deps().services
    _id("workflow", workflow_id, _ULID)
    cursor = app.current_event.query_string_parameters.get("cursor")
    if cursor is not None and not _PAGE_BOUND.fullmatch(cursor):
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

    return _page_answer(read)


@app.get("/v1/health")
def health() -> Response[str]:
    """Says that the API runs; open to everybody, so it tells no more."""
    return _answer(HTTPStatus.OK, {"status": "ok"})


def _refuse(error: Exception) -> Response[str]:
    event = app.current_event
    request_id = event.request_context.request_id
    problem = problem_for(error, event.path, request_id)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # By class and place only: an error's text may hold what the client sent.
        frames = traceback.extract_tb(error.__traceback__)[-_SHOWN_FRAMES:]
        details = {
            "error": type(error).__name__,
            "cause": type(error.__cause__).__name__ if error.__cause__ else None,
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
            "api_request_id": request_id,
        }
        logger.error("request failed", extra=details)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return _refusal(problem, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return _refusal(problem)


def _no_such_route(_error: NotFoundError) -> Response[str]:
    return _refusal(no_such_route(app.current_event.http_method, app.current_event.path))


def _refuse_other_methods(rule: str, *allowed: str) -> None:
    def refuse(**_parts: str) -> Response[str]:
        event = app.current_event
        problem = method_not_allowed(event.http_method, event.path, allowed)
        return _refusal(problem, {"Allow": ", ".join(allowed)})

    app.route(rule, method=[method for method in _METHODS if method not in allowed])(refuse)


_refuse_other_methods("/v1/jobs", "GET", "POST")
_refuse_other_methods("/v1/jobs/<job_id>", "GET")
_refuse_other_methods("/v1/jobs/<job_id>/cancel", "POST")
_refuse_other_methods("/v1/workflows", "POST")
_refuse_other_methods("/v1/workflows/<workflow_id>", "GET")
_refuse_other_methods("/v1/health", "GET")
operations.OperatorRoutes(_deps, _answer, _body, _caller).add_to(app, _refuse_other_methods)
app.exception_handler(Exception)(_refuse)
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
