"""Requests for pages that the API refuses."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api
from tests.harness.functions.route_table import sample_path
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.states import State


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1.5", "", "٣", "9" * 5_000])
@pytest.mark.parametrize("path", ["/v1/jobs", f"/v1/workflows/{UNKNOWN_ID}"])
def test_a_page_size_out_of_bounds_is_422(api: Api, path: str, limit: str) -> None:
    state = {"state": "READY"} if path == "/v1/jobs" else {}
    answer = api.call("GET", path, query={**state, "limit": limit})
    assert answer.status == 422
    assert answer.message("limit") == "must be a whole number from 1 to 200"


@pytest.mark.parametrize("query", [{"state": ""}, {"state": "ready"}, {"state": "DONE,READY"}])
def test_a_state_that_is_none_is_422_and_all_are_named(api: Api, query: dict[str, str]) -> None:
    answer = api.call("GET", "/v1/jobs", query=query)
    assert answer.status == 422
    assert all(state in answer.message("state") for state in State)


def test_a_pool_that_is_none_is_422(api: Api) -> None:
    answer = api.call("GET", "/v1/jobs", query={"state": "READY", "pool": "moon"})
    assert (answer.status, answer.fields) == (422, ["pool"])


def _encoded(value: object) -> str:
    packed = zlib.compress(json.dumps(value).encode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ü",
        _encoded(5),
        _encoded({"a": 1}),
        _encoded([]),
        _encoded(["READY"]),
        _encoded(["READY", None, {"a": 1}]),
        _encoded(["0" * 16, 0, None, None]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 60_000)).decode(),
    ],
)
def test_a_cursor_that_is_none_of_the_listing_is_422(api: Api, cursor: str) -> None:
    answer = api.call("GET", "/v1/jobs", query={"state": "READY", "cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])


BAD_PARAMETERS = [
    ("type", "", "1 to 64 characters"),
    ("type", "t" * 65, "1 to 64 characters"),
    ("workflow", "7YVV", "must be the id of a workflow"),
    ("id", "7YVV", "of at least 6 characters"),
    ("worker", "a b", "must be the id of a worker"),
    ("tag", "team", "must be name=value"),
    ("tag", "=data", "must be name=value"),
    ("tag", "a=" + "v" * 129, "must be name=value"),
    ("name", "", "1 to 256 characters"),
    ("key", "k" * 129, "1 to 128 characters"),
    ("error", "", "1 to 64 characters"),
    ("submitted_by", "", "1 to 2,048 characters"),
    ("from", "yesterday", "must be a time with a zone"),
    ("to", "2026-12-01", "must be a time with a zone"),
    ("finish_by", "2026-12-01", "must be a time with a zone"),
    ("verdict", "late", "must be one of on-course, at-risk, impossible, missed"),
    ("overdue", "yes", "must be true or false"),
    ("straggler", "yes", "must be true or false"),
    ("waits_longer_than", "-1", "must be a number of seconds"),
    ("waits_longer_than", "1e300", "must be a number of seconds"),
    ("order", "rank", "must be priority or time"),
    ("direction", "down", "must be asc or desc"),
    ("direction", "asc", "needs order"),
    ("fields", "all", "must be slim or full"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD_PARAMETERS)
def test_a_bad_filter_is_named_with_its_fix(api: Api, name: str, value: str, message: str) -> None:
    answer = api.call("GET", "/v1/jobs", query={name: value})
    assert answer.status == 422
    assert message in answer.message(name)


def test_every_bad_filter_is_named_at_once(api: Api) -> None:
    bad = {"type": "", "order": "rank", "from": "2026-12-02T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
    answer = api.call("GET", "/v1/jobs", query=bad)
    assert (answer.status, sorted(answer.fields)) == (422, ["order", "to", "type"])


@pytest.mark.parametrize("cursor", ["x", "-1", "", "٣", "9" * 5_000])
def test_a_cursor_that_is_none_of_the_workflow_is_422(api: Api, cursor: str) -> None:
    workflow_id = api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]}).body[
        "workflow_id"
    ]
    answer = api.call("GET", f"/v1/workflows/{workflow_id}", query={"cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])


TEXTS = [(route, each.name) for route in ROUTES if route.method == "GET" for each in route.parameters]


@pytest.mark.parametrize(("route", "name"), TEXTS, ids=lambda each: str(getattr(each, "path", each)))
def test_half_a_character_is_refused_by_the_name_of_its_parameter(api: Api, route: Route, name: str) -> None:
    """No store takes one, and JSON, which carries an event, can spell it."""
    answer = api.call("GET", sample_path(route), query={name: "a\ud800"})
    assert answer.status == 422
    assert name in answer.fields
