"""The routes that forecast when jobs start and workflows end, also after changes."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.caller import caller_of
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import JOB_ID, ULID, body_of, deps_of, id_of, refuse_other_parameters, until_of
from tidegate.contracts.forecast import forecast_out, job_forecast_out
from tidegate.contracts.what_if import WhatIfRows, read_what_if, what_if_out
from tidegate.usecases.forecast.forecast import forecast_job, forecast_workflow
from tidegate.usecases.forecast.what_if import what_if

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/workflows/<workflow_id>/forecast")
def get_forecast(workflow_id: str) -> Response[str]:
    """Returns when a workflow ends, and when its next jobs start and end."""
    refuse_other_parameters(router)
    deps = deps_of(router)
    now_ms = deps.clock.now_ms()
    some_id = id_of("workflow", workflow_id, ULID)
    found = forecast_workflow(deps.services, some_id, now_ms=now_ms, until=until_of(router))
    return answer_with(
        HTTPStatus.OK,
        forecast_out(
            workflow_id,
            now_ms,
            found.left,
            found.end,
            [(row.job, row.forecast) for row in found.rows],
            found.draws,
            [(note.code, note.message) for note in found.notes],
            found.finish_by,
        ),
    )


@router.get("/v1/jobs/<job_id>/forecast")
def get_job_forecast(job_id: str) -> Response[str]:
    """Returns when a job starts and ends."""
    refuse_other_parameters(router)
    deps = deps_of(router)
    now_ms = deps.clock.now_ms()
    some_id = id_of("job", job_id, JOB_ID)
    found = forecast_job(deps.services, some_id, now_ms=now_ms, until=until_of(router))
    notes = [(note.code, note.message) for note in found.notes]
    answer = job_forecast_out(found.job, now_ms, found.forecast, found.draws, notes, found.finish_by)
    return answer_with(HTTPStatus.OK, answer)


@router.post("/v1/forecast")
def post_what_if() -> Response[str]:
    """Returns what would end when after changes, against what ends when as things stand. Changes nothing."""
    refuse_other_parameters(router)
    request = read_what_if(body_of(router))
    deps = deps_of(router)
    now_ms = deps.clock.now_ms()
    found = what_if(deps.services, request, caller_of(router), now_ms=now_ms, until=until_of(router))
    submitted = found.submitted
    rows = WhatIfRows(
        workflows=[(each.submission, each.end, each.has_ended) for each in found.workflows],
        jobs=[(each.job, each.end) for each in found.jobs],
        submitted=None if submitted is None else (submitted.job_count, submitted.end, submitted.finish_by),
        unchanged=found.unchanged,
        draws=found.draws,
        notes=[(note.code, note.message) for note in found.notes],
    )
    return answer_with(HTTPStatus.OK, what_if_out(now_ms, rows))


refuse_other_methods(router, "/v1/forecast", "POST")
refuse_other_methods(router, "/v1/workflows/<workflow_id>/forecast", "GET")
refuse_other_methods(router, "/v1/jobs/<job_id>/forecast", "GET")
