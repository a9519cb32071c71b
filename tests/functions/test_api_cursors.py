"""Every cursor is opaque and continues only the request that gave it, on every route that takes one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from tests.harness.functions.api_calls import UNKNOWN_ID, Api, read_event
from tests.harness.functions.route_table import sample_path
from tidegate.api.cursors import next_cursor
from tidegate.contracts.route import CURSOR, Route
from tidegate.contracts.routes import ROUTES

PAGED = [route for route in ROUTES if CURSOR in route.parameters]


@pytest.fixture
def api() -> Api:
    return Api()


def cursor_for(path: str, query: dict[str, str], continues: str) -> str:
    """Returns the cursor that a request with this path and these parameters would give."""
    event = read_event("api-list-jobs")
    event |= {"path": path, "queryStringParameters": query}
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
    router = cast(BaseRouter, SimpleNamespace(current_event=APIGatewayProxyEvent(event)))
    made = next_cursor(router, continues)
    assert made is not None
    return made


def _query(route: Route) -> dict[str, str]:
    return {each.name: "READY" for each in route.parameters if each.required}


def _path(api: Api, route: Route) -> str:
    if "{job_id}" in route.path:
        return route.path.format(job_id=api.submit())
    if "{workflow_id}" not in route.path:
        return sample_path(route)
    flow = api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]})
    return route.path.format(workflow_id=flow.body["workflow_id"])


def _refused(api: Api, route: Route, path: str, cursor: str) -> None:
    before = api.contents()
    answer = api.call(route.method, path, query={**_query(route), "cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"]), answer.body
    assert api.contents() == before


def test_there_are_routes_that_take_a_cursor() -> None:
    assert len(PAGED) >= 6


@pytest.mark.parametrize("route", PAGED, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("continues", ["50", "reopen.0.00", "", "x" * 100_000])
def test_the_cursor_of_another_path_is_refused(api: Api, route: Route, continues: str) -> None:
    foreign = cursor_for(f"/v1/workflows/{UNKNOWN_ID}/others", _query(route), continues)
    _refused(api, route, _path(api, route), foreign)


@pytest.mark.parametrize("route", PAGED, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("given", ["", "50", "9600", "reopen.5.00", "=", "a", "AAAA", "ünï", "A" * 20_000])
def test_a_text_that_no_answer_gave_is_refused(api: Api, route: Route, given: str) -> None:
    _refused(api, route, _path(api, route), given)


@pytest.mark.parametrize("route", PAGED, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize(
    "continues", ["", "-1", "x", "9" * 5_000, "judge", "٣", "\x00", "\x00" * 26, "x" * 100_000]
)
def test_a_cursor_with_the_right_mark_is_checked_nevertheless(api: Api, route: Route, continues: str) -> None:
    path = _path(api, route)
    _refused(api, route, path, cursor_for(path, _query(route), continues))


def test_a_cursor_holds_for_the_same_filters_alone(api: Api) -> None:
    for _ in range(3):
        api.submit()
    query = {"state": "READY", "limit": "1"}
    cursor = api.call("GET", "/v1/jobs", query=query).body["cursor"]
    assert api.call("GET", "/v1/jobs", query={**query, "cursor": cursor}).status == 200
    assert api.call("GET", "/v1/jobs", query={"state": "READY", "limit": "2", "cursor": cursor}).status == 200
    others: list[dict[str, Any]] = [{"state": "QUEUED"}, {"pool": "ecs"}]
    for other in others:
        answer = api.call("GET", "/v1/jobs", query={**query, **other, "cursor": cursor})
        assert (answer.status, answer.fields) == (422, ["cursor"])


def test_the_cursor_of_one_workflow_is_none_of_another(api: Api) -> None:
    jobs = [{"key": key, "type": "tidegate.noop"} for key in "abc"]
    one, other = (api.call("POST", "/v1/workflows", {"jobs": jobs}).body["workflow_id"] for _ in range(2))
    cursor = api.call("GET", f"/v1/workflows/{one}", query={"limit": "2"}).body["cursor"]
    assert cursor != "2"
    rest = api.call("GET", f"/v1/workflows/{one}", query={"cursor": cursor})
    assert [job["key"] for job in rest.body["jobs"]] == ["c"]
    answer = api.call("GET", f"/v1/workflows/{other}", query={"cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])
