"""A waiting job is changed over HTTP."""

from __future__ import annotations

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_waiting_job_gets_its_new_values(api: Api) -> None:
    job_id = api.submit(description="old", tags={"a": "b"})
    changes = {
        "priority": 900,
        "not_before": "2026-12-02T08:00:00Z",
        "finish_by": "2026-12-02T09:00:00.000Z",
        "description": None,
        "tags": {"team": "data"},
        "pool": "ecs",
    }
    answer = api.call("PATCH", f"/v1/jobs/{job_id}", changes)
    assert (answer.status, answer.body["state"]) == (200, "SCHEDULED")
    shown = {name: answer.body[name] for name in changes}
    assert shown == {**changes, "not_before": "2026-12-02T08:00:00.000Z"}
    assert answer.body["due_at"] == "2026-12-02T08:00:00.000Z"
    assert answer.body["history"][-1] == {
        "at": "2026-12-01T08:00:00.000Z",
        "state": "SCHEDULED",
        "attempt": 0,
        "actor": "ann@example.com",
        "reason": "amended",
    }


def test_what_is_left_out_stays(api: Api) -> None:
    job_id = api.submit(description="kept", tags={"a": "b"}, priority=7)
    body = api.call("PATCH", f"/v1/jobs/{job_id}", {"priority": 8}).body
    assert (body["description"], body["tags"], body["priority"]) == ("kept", {"a": "b"}, 8)


def test_a_job_that_runs_is_refused(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    answer = api.call("PATCH", f"/v1/jobs/{job_id}", {"priority": 8})
    assert (answer.status, answer.body["type"]) == (409, "urn:tidegate:problem:not-waiting")
    assert "is RUNNING, so it is too late to change it" in answer.body["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"priority": None}, "priority"),
        ({"priority": 1_001}, "priority"),
        ({"pool": "esc"}, "pool"),
        ({"pool": None}, "pool"),
        ({"not_before": "tomorrow"}, "not_before"),
        ({"finish_by": "2026-11-30T08:00:00Z"}, "finish_by"),
        ({"description": "x" * 501}, "description"),
        ({"tags": {"a": 1}}, "tags.a"),
        ({"type": "tidegate.sleep"}, "type"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_written(api: Api, body: dict[str, object], field: str) -> None:
    job_id = api.submit()
    before = api.contents()
    answer = api.call("PATCH", f"/v1/jobs/{job_id}", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert api.contents() == before


def test_a_body_is_needed_and_the_job_must_be_there(api: Api) -> None:
    assert api.call("PATCH", f"/v1/jobs/{UNKNOWN_ID}").status == 400
    assert api.call("PATCH", f"/v1/jobs/{UNKNOWN_ID}", {"priority": 1}).status == 404


def test_a_workflow_gets_another_time_to_finish_by(api: Api) -> None:
    accepted = api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]})
    path, by = f"/v1/workflows/{accepted.body['workflow_id']}", "2026-12-02T09:00:00.000Z"
    for _ in range(2):
        answer = api.call("PATCH", path, {"finish_by": by})
        assert (answer.status, answer.body["finish_by"], answer.body["judgement"]) == (200, by, None)
    assert api.world.requests["set_finish_by_if"] == 1
    assert api.call("GET", path).body["finish_by"] == by
    assert api.call("PATCH", path, {"finish_by": None}).body["finish_by"] is None
    for wrong in ({}, {"finish_by": "2026-11-30T08:00:00Z"}, {"finish_by": 7}):
        refused = api.call("PATCH", path, wrong)
        assert (refused.status, refused.fields) == (422, ["finish_by"])
    assert api.call("PATCH", f"/v1/workflows/{UNKNOWN_ID}", {"finish_by": by}).status == 404
