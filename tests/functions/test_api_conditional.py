"""Each answer of GET has a tag, and a client that names it gets 304 without a body."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.functions.api_calls import SETTINGS, UNKNOWN_ID, Api
from tests.harness.functions.route_table import sample_path
from tidegate.api.conditional import has_tag, tag_of
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.addresses import Reach
from tidegate.domain.workers import WorkerSpec, begin

READS = [route for route in ROUTES if route.method == "GET" and route.role is not None]
_REQUIRED = {"state": "READY", "from": "2026-11-30T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
"""A value for each parameter that some route requires. A route that requires another one needs it here."""


@pytest.fixture
def api() -> Api:
    api = Api(settings=replace(SETTINGS, webhook_reach=Reach.PUBLIC))
    api.services.workers.register_if_free(
        begin(WorkerSpec("ecs", "w", "host", 1), UNKNOWN_ID, 0), silent_since_ms=0
    )
    return api


def _path(api: Api, route: Route) -> str:
    if "{job_id}" in route.path:
        return route.path.format(job_id=api.submit())
    if "{workflow_id}" in route.path:
        flow = api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]})
        return route.path.format(workflow_id=flow.body["workflow_id"])
    if "{timetable_id}" in route.path:
        made = api.call("POST", "/v1/timetables", {"every_seconds": 3_600, "job": {"type": "tidegate.noop"}})
        return route.path.format(timetable_id=made.body["timetable_id"])
    if "{webhook_id}" in route.path:
        made = api.call("POST", "/v1/webhooks", {"url": "https://hooks.example.com/in"})
        return route.path.format(webhook_id=made.body["webhook"]["id"])
    if "{share}" in route.path:
        assert api.call("PUT", sample_path(route), {"weight": 2}).status == 200
    return sample_path(route)


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
def test_every_answer_that_reads_is_answered_once(api: Api, route: Route) -> None:
    path = _path(api, route)
    query = {each.name: _REQUIRED[each.name] for each in route.parameters if each.required} or None
    first = api.call("GET", path, query=query)
    assert first.status == 200, first.body
    assert "Cache-Control" in first.headers
    again = api.call("GET", path, query=query, known=first.headers["ETag"])
    assert (again.status, again.body) == (304, {})
    assert again.headers == {name: first.headers[name] for name in ("ETag", "Cache-Control")}


def test_another_answer_has_another_tag(api: Api) -> None:
    job_id = api.submit()
    first = api.call("GET", f"/v1/jobs/{job_id}")
    api.run(job_id)
    again = api.call("GET", f"/v1/jobs/{job_id}", known=first.headers["ETag"])
    assert (again.status, again.body["state"]) == (200, "RUNNING")
    assert again.headers["ETag"] != first.headers["ETag"]


def test_acts_and_refusals_have_no_tag(api: Api) -> None:
    for answer in (
        api.call("POST", "/v1/pools/ecs/pause", known="*"),
        api.call("GET", f"/v1/jobs/{UNKNOWN_ID}", known="*"),
        api.call("GET", "/v1/jobs", query={"state": "GONE"}, known="*"),
    ):
        assert answer.status in (200, 404, 422)
        assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (None, False),
        ("", False),
        ("*", True),
        ('"a"', False),
        ("{tag}", True),
        ("W/{tag}", True),
        ('"a", {tag}', True),
        ('"a",W/"b"', False),
        ('"*"', False),
        ("no tag at all", False),
    ],
)
def test_a_condition_names_a_tag_or_any(condition: str | None, names: bool) -> None:
    tag = tag_of("body")
    assert has_tag(condition and condition.replace("{tag}", tag), tag) is names
