"""The API ignores no field that a client sends: it refuses unknown ones by their names."""

from __future__ import annotations

import json

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api, read_event
from tidegate.domain import limits
from tidegate.domain.job import Json


@pytest.fixture
def api() -> Api:
    return Api()


ROUTES = [
    ("GET", "/v1/jobs", {"state": "READY"}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}", {}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}/chain", {}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}/dependencies", {}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}/dependents", {}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}/why", {}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}/forecast", {}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}/cost", {}),
    ("GET", f"/v1/jobs/{UNKNOWN_ID}/logs", {}),
    ("PATCH", f"/v1/jobs/{UNKNOWN_ID}", {}),
    ("POST", "/v1/jobs", {}),
    ("POST", f"/v1/jobs/{UNKNOWN_ID}/cancel", {}),
    ("POST", f"/v1/jobs/{UNKNOWN_ID}/hold", {}),
    ("POST", f"/v1/jobs/{UNKNOWN_ID}/unhold", {}),
    ("POST", f"/v1/jobs/{UNKNOWN_ID}/mark", {}),
    ("POST", f"/v1/jobs/{UNKNOWN_ID}/rerun", {}),
    ("POST", f"/v1/jobs/{UNKNOWN_ID}/retry", {}),
    ("POST", "/v1/workflows", {}),
    ("GET", "/v1/workflows", {}),
    ("GET", f"/v1/workflows/{UNKNOWN_ID}", {}),
    ("GET", f"/v1/workflows/{UNKNOWN_ID}/graph", {}),
    ("GET", f"/v1/workflows/{UNKNOWN_ID}/critical-path", {}),
    ("GET", f"/v1/workflows/{UNKNOWN_ID}/forecast", {}),
    ("GET", f"/v1/workflows/{UNKNOWN_ID}/cost", {}),
    ("GET", f"/v1/workflows/{UNKNOWN_ID}/states", {}),
    ("PATCH", f"/v1/workflows/{UNKNOWN_ID}", {}),
    ("POST", f"/v1/workflows/{UNKNOWN_ID}/cancel", {}),
    ("POST", f"/v1/workflows/{UNKNOWN_ID}/hold", {}),
    ("POST", f"/v1/workflows/{UNKNOWN_ID}/unhold", {}),
    ("POST", f"/v1/workflows/{UNKNOWN_ID}/rerun", {}),
    ("POST", "/v1/forecast", {}),
    ("GET", "/v1/grants", {}),
    ("PUT", "/v1/grants", {"namespace": "arn:aws:iam::123456789012:user/ben"}),
    ("DELETE", "/v1/grants", {"namespace": "arn:aws:iam::123456789012:user/ben"}),
    ("GET", "/v1/pools", {}),
    ("GET", "/v1/pools/ecs", {}),
    ("POST", "/v1/pools/ecs/pause", {}),
    ("POST", "/v1/pools/ecs/resume", {}),
    ("POST", "/v1/pools/ecs/redrive", {}),
    ("GET", "/v1/pools/ecs/shares", {}),
    ("GET", "/v1/pools/ecs/shares/data", {}),
    ("PUT", "/v1/pools/ecs/shares/data", {}),
    ("DELETE", "/v1/pools/ecs/shares/data", {}),
    ("GET", "/v1/types", {}),
    ("GET", "/v1/types/tidegate.noop", {}),
    ("POST", "/v1/types/tidegate.noop/pause", {}),
    ("POST", "/v1/types/tidegate.noop/resume", {}),
    ("PUT", "/v1/types/tidegate.noop/limit", {}),
    ("GET", "/v1/workers", {}),
    ("GET", "/v1/workers/ecs/w", {}),
    ("GET", "/v1/workers/ecs/w/jobs", {}),
    ("GET", "/v1/audit", {}),
    ("GET", "/v1/failures", {}),
    ("POST", "/v1/failures/3f2a91c07b5d8e64/mute", {}),
    ("POST", "/v1/failures/3f2a91c07b5d8e64/unmute", {}),
    ("GET", "/v1/me", {}),
    ("GET", "/v1/status", {}),
    ("GET", "/v1/stats", {}),
    ("POST", "/v1/workers/ecs/w/drain", {}),
]


@pytest.mark.parametrize(("method", "path", "query"), ROUTES)
def test_every_route_refuses_a_query_parameter_that_it_does_not_take(
    api: Api, method: str, path: str, query: dict[str, str]
) -> None:
    before = api.contents()
    answer = api.call(method, path, {"type": "tidegate.noop"}, query={**query, "unasked": "true"})
    assert (answer.status, answer.fields) == (422, ["unasked"])
    assert api.contents() == before


@pytest.mark.parametrize(
    "path",
    [
        path
        for method, path, _ in ROUTES
        if method == "POST" and path.count("/") > 2 and not path.endswith("/mark")
    ],
)
def test_every_action_refuses_an_option_in_its_body_that_it_does_not_take(api: Api, path: str) -> None:
    before = api.contents()
    answer = api.call("POST", path, {"unasked": True})
    assert (answer.status, answer.fields) == (422, ["unasked"])
    assert api.contents() == before


def test_a_mark_needs_options_and_refuses_others_beside_them(api: Api) -> None:
    answer = api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/mark", {"unasked": True})
    assert (answer.status, answer.fields) == (422, ["state", "reason", "unasked"])


def test_a_misspelt_query_parameter_is_told_what_was_meant(api: Api) -> None:
    answer = api.call("GET", "/v1/jobs", query={"state": "READY", "pol": "ecs"})
    assert answer.message("pol") == (
        "is no query parameter here; this route takes state, pool, type, workflow, id, worker, tag, name, key, error, "
        "failure, submitted_by, from, to, finish_by, verdict, overdue, straggler, waits_longer_than, order, direction, "
        "fields, limit and cursor; did you mean 'pool'?"
    )


def test_a_query_parameter_that_is_given_twice_is_refused(api: Api) -> None:
    event = read_event("api-list-jobs")
    event["multiValueQueryStringParameters"]["pool"] = ["lambda", "ecs"]
    answer = api.send(event)
    assert (answer.status, answer.message("pool")) == (422, "is given 2 times; give it once")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/jobs", '{"type": "tidegate.noop", "priority": 1, "priority": 900}', "priority"),
        ("/v1/jobs", '{"type": "tidegate.noop", "priority": 1, "prior\\u0069ty": 900}', "priority"),
        (
            "/v1/jobs",
            '{"type": "tidegate.noop", "parameters": {"a": [{"b": 1, "b": 1}]}}',
            "parameters.a[0].b",
        ),
        ("/v1/workflows", '{"jobs": [{"key": "a", "type": "tidegate.noop", "key": "b"}]}', "jobs[0].key"),
        (f"/v1/jobs/{UNKNOWN_ID}/cancel", '{"downstream": false, "downstream": true}', "downstream"),
    ],
)
def test_a_name_that_is_given_twice_in_a_body_is_refused(api: Api, path: str, body: str, field: str) -> None:
    before = api.contents()
    answer = api.call("POST", path, body)
    assert (answer.status, answer.fields) == (422, [field])
    assert answer.message(field) == "is given more than once; give it once"
    assert api.contents() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"type": "tidegate.sleep", "parameters": {"seconds": 1e400}}', "parameters.seconds"),
        ('{"type": "tidegate.sleep", "parameters": {"seconds": [0, -1e999]}}', "parameters.seconds[1]"),
        ('{"type": "tidegate.noop", "estimated_duration_seconds": 1e400}', "estimated_duration_seconds"),
        ('{"type": "tidegate.noop", "priority": 1e400}', "priority"),
    ],
)
def test_a_number_that_nothing_holds_is_named(api: Api, body: str, field: str) -> None:
    answer = api.call("POST", "/v1/jobs", body)
    assert (answer.status, answer.message(field)) == (422, "is too large a number; at most 1.7e308")


def test_a_whole_number_too_long_to_be_read_is_not_said_to_be_no_json(api: Api) -> None:
    answer = api.call("POST", "/v1/jobs", f'{{"type": "tidegate.noop", "priority": {"9" * 5_000}}}')
    assert (answer.status, "whole number with too many digits" in answer.body["detail"]) == (400, True)
    assert "not JSON" not in answer.body["detail"]


def test_the_hint_for_an_unknown_type_ends_its_message(api: Api) -> None:
    message = api.call("POST", "/v1/jobs", {"type": "tidegate.slep"}).message("type")
    assert message.endswith("or once its code is deployed; did you mean 'tidegate.sleep'?")


@pytest.mark.parametrize(
    ("body", "field", "meant"),
    [
        ({"type": "tidegate.noop", "prioritty": 3}, "prioritty", "priority"),
        ({"type": "tidegate.noop", "Name": "x"}, "Name", "name"),
        (
            {"type": "tidegate.noop", "retry": {"backof_seconds": 3}},
            "retry.backof_seconds",
            "backoff_seconds",
        ),
        ({"type": "tidegate.noop", "share": {"name": "a", "wieght": 1}}, "share.wieght", "weight"),
        (
            {"type": "tidegate.noop", "depends_on": [{"job_id": UNKNOWN_ID, "conditon": "true"}]},
            "depends_on[0].conditon",
            "condition",
        ),
        ({"type": "tidegate.sleep", "parameters": {"secnds": 3}}, "parameters.secnds", "seconds"),
        ({"type": "tidegate.slep"}, "type", "tidegate.sleep"),
    ],
)
def test_a_misspelt_name_is_told_what_was_meant(
    api: Api, body: dict[str, object], field: str, meant: str
) -> None:
    answer = api.call("POST", "/v1/jobs", body)
    assert answer.status == 422
    assert f"did you mean {meant!r}?" in answer.message(field)


def test_a_pool_and_a_type_in_a_path_are_told_what_was_meant(api: Api) -> None:
    assert "did you mean 'lambda'?" in api.call("GET", "/v1/pools/lamda").message("pool")
    submitted = api.call("POST", "/v1/jobs", {"type": "tidegate.noop", "pool": "lamda"})
    assert "did you mean 'lambda'?" in submitted.message("pool")
    listed = api.call("GET", "/v1/jobs", query={"state": "READY", "pool": "lamda"})
    assert "did you mean 'lambda'?" in listed.message("pool")
    assert "did you mean 'tidegate.noop'?" in api.call("POST", "/v1/types/tidegate.nop/pause").message("type")


def nested(depth: int) -> Json:
    value: Json = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_parameters_are_as_deep_as_the_limit_says(api: Api) -> None:
    api_type = {"type": "tidegate.noop"}
    deepest = api.call("POST", "/v1/jobs", {**api_type, "parameters": nested(limits.MAX_PARAMETERS_DEPTH)})
    assert "parameters" not in deepest.fields, "its model refuses it, for another reason"
    answer = api.call("POST", "/v1/jobs", {**api_type, "parameters": nested(limits.MAX_PARAMETERS_DEPTH + 1)})
    assert (answer.status, "more than 100 lists and objects" in answer.message("parameters")) == (422, True)
    body = json.dumps({**api_type, "parameters": nested(300)})
    refused = api.call("POST", "/v1/jobs", body)
    assert (refused.status, "lists and objects more than 200 deep" in refused.body["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/jobs/a/b", "'a/b' can't be a job's id"),
        ("/v1/workflows/a/b/c", "'a/b/c' can't be a workflow's id"),
        ("/v1/pools/a/b", "'a/b' can't be a pool's name"),
    ],
)
def test_an_id_with_a_slash_is_told_from_a_route_that_is_not_there(api: Api, path: str, said: str) -> None:
    answer = api.call("GET", path)
    assert (answer.status, answer.body["type"]) == (404, "urn:tidegate:problem:no-such-route")
    assert said in answer.body["detail"]


def test_a_scheduled_job_is_listed_with_its_time(api: Api) -> None:
    job_id = api.submit(not_before="2026-12-02T08:00:00Z")
    (row,) = api.call("GET", "/v1/jobs", query={"state": "SCHEDULED"}).body["jobs"]
    assert (row["job_id"], row["due_at"]) == (job_id, "2026-12-02T08:00:00.000Z")
