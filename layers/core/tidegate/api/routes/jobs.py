"""The routes that submit and read jobs."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, foreseen_answer, page_answer
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import (
    JOB_ID,
    body_of,
    deps_of,
    id_of,
    key_and_dry_run_of,
    on_accepted_of,
    refuse_other_parameters,
    until_of,
)
from tidegate.api.waiting import patience_of
from tidegate.contracts.job_listing import (
    PARAMETERS,
    REPEATED,
    JobsOut,
    read_is_whole,
    read_job_query,
    row_out,
)
from tidegate.contracts.requests import read_job
from tidegate.contracts.responses import Accepted, JobOut, JobRowOut, job_out, straggling_out
from tidegate.usecases.read import query
from tidegate.usecases.read.wait import wait_for_job
from tidegate.usecases.statistics.usual_runs import straggling
from tidegate.usecases.submit import submit
from tidegate.usecases.submit.would_submit import would_submit_job

logger = Logger()
router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/jobs")
def post_job() -> Response[str]:
    """Submits one job. Answers 201 with its id, or 200 where the idempotency key found an earlier submission."""
    refuse_other_parameters(router, "dry_run")
    request, fingerprint = read_job(body_of(router))
    (key, is_dry_run), deps = key_and_dry_run_of(router), deps_of(router)
    if is_dry_run:
        return foreseen_answer(
            would_submit_job(deps.services, request, caller_of(router), deps.clock.now_ms())
        )
    accepted = submit.submit_job(
        deps.services,
        request,
        idempotency_key=key,
        fingerprint=fingerprint,
        caller=caller_of(router),
        now_ms=deps.clock.now_ms(),
        until=until_of(router),
        on_accepted=on_accepted_of(router),
    )
    logger.append_keys(job_id=accepted.job_id)
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    return answer_with(status, Accepted(job_id=accepted.job_id), f"/v1/jobs/{accepted.job_id}")


@router.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """Returns one job, whole or without its large parts. With `wait` it may first wait for the job's end."""
    refuse_other_parameters(router, "fields", "wait")
    deps, given = deps_of(router), router.current_event.multi_value_query_string_parameters
    whole, patience = read_is_whole(given, default="full"), patience_of(router)
    id_of("job", job_id, JOB_ID)
    if patience is not None:
        wait_for_job(deps.services, job_id, patience, now_ms=deps.clock.now_ms())
    job = query.get_job(deps.services, job_id, whole=whole)
    view, now_ms = job_out if whole else row_out, deps.clock.now_ms()
    straggler = straggling_out(straggling(deps.services, job, now_ms, until_of(router)))
    answer = {**view(job, deps.services.settings.rank_policy, now_ms), **straggler}
    return answer_with(HTTPStatus.OK, answer)


@router.get("/v1/jobs")
def list_jobs() -> Response[str]:
    """Returns a page of the jobs that fit the filters, as rows or whole."""
    refuse_other_parameters(router, *PARAMETERS, repeated=REPEATED)
    deps, given = deps_of(router), router.current_event.multi_value_query_string_parameters
    asked, whole, now_ms = read_job_query(given), read_is_whole(given), deps.clock.now_ms()
    cursor = cursor_of(router)
    view, policy = job_out if whole else row_out, deps.services.settings.rank_policy

    def read(limit: int) -> JobsOut:
        page = query.list_jobs(deps.services, asked, cursor=cursor, limit=limit, now_ms=now_ms, whole=whole)
        rows: list[JobOut | JobRowOut] = [view(job, policy, now_ms) for job in page.jobs]
        return {"jobs": rows, "looked_at": page.looked_at, "cursor": next_cursor(router, page.cursor)}

    return page_answer(router, read)


refuse_other_methods(router, "/v1/jobs", "GET", "POST")
refuse_other_methods(router, "/v1/jobs/<job_id>", "GET", "PATCH")
