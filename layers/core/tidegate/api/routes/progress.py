"""The routes that list workflows and show their graphs and the states of their jobs."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, page_answer
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import (
    ULID,
    deps_of,
    flag_of,
    id_of,
    refuse_other_parameters,
    until_of,
)
from tidegate.contracts.job_listing import read_tags, read_verdict
from tidegate.contracts.times import read_moment, to_ms, to_wire
from tidegate.contracts.workflow_responses import (
    ListForecastOut,
    WorkflowListOut,
    critical_path_out,
    graph_out,
    list_forecast_out,
    states_out,
    workflow_row_out,
)
from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.domain.progress import WorkflowState
from tidegate.domain.verdicts import FinishVerdict
from tidegate.usecases.forecast.forecast_list import ListForecast, forecast_list
from tidegate.usecases.read import progress
from tidegate.usecases.read.workflows import WorkflowFilter, list_workflows

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations

_PARAMETERS = (
    "state",
    "name",
    "submitted_by",
    "tag",
    "from",
    "to",
    "finish_by",
    "forecast",
    "verdict",
    "limit",
    "cursor",
)
_FOR_EVER = "private, max-age=31536000, immutable"  # the graph of a workflow never changes


@router.get("/v1/workflows")
def get_workflows() -> Response[str]:
    """Returns a page of workflows, newest first."""
    refuse_other_parameters(router, *_PARAMETERS, repeated=("tag",))
    deps = deps_of(router)
    cursor, given = cursor_of(router), router.current_event.query_string_parameters
    wanted = WorkflowFilter(
        states=_states(given.get("state")),
        name=given.get("name"),
        submitted_by=given.get("submitted_by"),
        tags=_tags(),
        from_ms=_time("from"),
        to_ms=_time("to"),
        finish_by_ms=_time("finish_by"),
        verdict=_verdict(given.get("verdict")),
    )
    is_forecast = flag_of(router, "forecast")
    if wanted.from_ms is not None and wanted.to_ms is not None and wanted.from_ms > wanted.to_ms:
        raise InvalidRequest.of("to", "must not be before from")

    def read(limit: int) -> WorkflowListOut:
        now_ms = deps.clock.now_ms()
        page = list_workflows(deps.services, wanted, cursor=cursor, limit=limit, now_ms=now_ms)
        found = (
            forecast_list(deps.services, page.rows, now_ms=now_ms, until=until_of(router))
            if is_forecast
            else None
        )
        ends = {} if found is None else found.ends
        return {
            "workflows": [workflow_row_out(row.submission, row.summary, now_ms, ends) for row in page.rows],
            "forecast": None if found is None else _forecast_out(now_ms, found),
            "looked_at": page.looked_at,
            "looked_back_to": to_wire(page.looked_back_to_ms),
            "cursor": next_cursor(router, page.cursor),
        }

    return page_answer(router, read)


@router.get("/v1/workflows/<workflow_id>/graph")
def get_graph(workflow_id: str) -> Response[str]:
    """Returns the graph of a workflow, which may be kept for ever."""
    refuse_other_parameters(router)
    graph = progress.get_graph(deps_of(router).services, id_of("workflow", workflow_id, ULID))
    answer = answer_with(HTTPStatus.OK, graph_out(workflow_id, graph))
    answer.headers["Cache-Control"] = _FOR_EVER
    return answer


@router.get("/v1/workflows/<workflow_id>/critical-path")
def get_critical_path(workflow_id: str) -> Response[str]:
    """Returns the chain of a workflow's jobs that takes longest, by what is known now."""
    refuse_other_parameters(router)
    found = progress.get_critical_path(deps_of(router).services, id_of("workflow", workflow_id, ULID))
    return answer_with(
        HTTPStatus.OK,
        critical_path_out(
            found.submission, found.summary, found.version, found.steps, found.keys, found.states
        ),
    )


@router.get("/v1/workflows/<workflow_id>/states")
def get_states(workflow_id: str) -> Response[str]:
    """Returns the states of a workflow's jobs, or what changed since a version."""
    refuse_other_parameters(router, "since")
    since = router.current_event.query_string_parameters.get("since")
    deps = deps_of(router)
    found = progress.get_states(deps.services, id_of("workflow", workflow_id, ULID), since)
    now_ms = deps.clock.now_ms()
    return answer_with(
        HTTPStatus.OK,
        states_out(found.submission, found.summary, found.version, found.states, found.changes, now_ms),
    )


def _forecast_out(now_ms: int, found: ListForecast) -> ListForecastOut:
    notes = [(note.code, note.message) for note in found.notes]
    return list_forecast_out(now_ms, found.left_out, found.draws, notes)


def _states(text: str | None) -> frozenset[WorkflowState]:
    """Returns the words of a list with commas between them. Raises InvalidRequest."""
    words = [] if text is None else text.split(",")
    if not all(word in WorkflowState.__members__ for word in words):
        raise InvalidRequest.of(
            "state", f"must be one or more of {', '.join(WorkflowState)}, with commas between"
        )
    return frozenset(WorkflowState(word) for word in words)


def _verdict(text: str | None) -> FinishVerdict | None:
    """Returns the verdict that the query asks for. Raises InvalidRequest."""
    try:
        return None if text is None else read_verdict(text)
    except ValueError as error:
        raise InvalidRequest.of("verdict", str(error)) from None


def _tags() -> dict[str, str]:
    """Returns the tags that the query asks for, by name. Raises InvalidRequest."""
    violations: list[Violation] = []
    given = router.current_event.multi_value_query_string_parameters or {}
    tags = dict(read_tags(given, violations))
    if violations:
        raise InvalidRequest(violations)
    return tags


def _time(name: str) -> int | None:
    """Returns a time of the query in milliseconds since the epoch. Raises InvalidRequest."""
    try:
        moment = read_moment(router.current_event.query_string_parameters.get(name))
    except ValueError as error:
        raise InvalidRequest.of(name, str(error)) from error
    return to_ms(moment) if isinstance(moment, datetime) else None


refuse_other_methods(router, "/v1/workflows/<workflow_id>/graph", "GET")
refuse_other_methods(router, "/v1/workflows/<workflow_id>/critical-path", "GET")
refuse_other_methods(router, "/v1/workflows/<workflow_id>/states", "GET")
