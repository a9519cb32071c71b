"""Requests for pages that the API refuses."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api
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


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"state": "ready"}, {"state": "DONE"}])
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


def _ready(*streams: list[object], later: object = None) -> str:
    return _encoded(["READY", later, *streams])


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ü",
        _encoded(5),
        _encoded({"a": 1}),
        _encoded([]),
        _encoded(["READY"]),
        _encoded([["lambda", "", 0], None]),
        _encoded(["ACTIVE", None, ["lambda", "", 0]]),
        _encoded([5, None, ["lambda", "", 0]]),
        _encoded(["READY", None, {"a": 1}]),
        _encoded(["READY", None, "lam"]),
        _ready(["moon", "", 0]),
        _ready(["lambda", "", 9]),
        _ready(["lambda", "", -1]),
        _ready(["lambda", "", 0.0]),
        _ready(["lambda", "", True]),
        _ready(["lambda", "", "0"]),
        _ready(["lambda", "", float("inf")]),
        _ready(["lambda", None, 0]),
        _ready(["lambda", "L" * 257, 0]),
        _ready(["lambda", "share:\ud800", 0]),
        _ready(["lambda", "key:1:a", 1]),
        _ready(["lambda", "", 0], ["lambda", "", 0]),
        _ready(["lambda", "", 0, "x", "y"]),
        _ready(["lambda", "", 0, "5"]),
        _ready(["lambda", "", 0, 5, UNKNOWN_ID]),
        _ready(["lambda", "", 0, "1_0", UNKNOWN_ID]),
        _ready(["lambda", "", 0, "\u0663", UNKNOWN_ID]),
        _ready(["lambda", "", 0, "1" + "0" * 38, UNKNOWN_ID]),
        _ready(["lambda", "", 0, "1", ""]),
        _ready(["lambda", "", 0, "1", 7]),
        _ready(["lambda", "", 0, "1", "J" * 3_000]),
        _ready(["lambda", "", 0, "1", "\ud800"]),
        _ready(later=["moon", "", 0]),
        _ready(later={"a": 1}),
        _ready(later="abc"),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 60_000)).decode(),
    ],
)
def test_a_cursor_that_is_none_of_the_listing_is_422(api: Api, cursor: str) -> None:
    answer = api.call("GET", "/v1/jobs", query={"state": "READY", "cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])


@pytest.mark.parametrize("cursor", ["x", "-1", "", "٣", "9" * 5_000])
def test_a_cursor_that_is_none_of_the_workflow_is_422(api: Api, cursor: str) -> None:
    workflow_id = api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]}).body[
        "workflow_id"
    ]
    answer = api.call("GET", f"/v1/workflows/{workflow_id}", query={"cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])
