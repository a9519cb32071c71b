"""A job is ended by hand over HTTP."""

from __future__ import annotations

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api

DONE = {"state": "SUCCEEDED", "reason": "loaded by hand"}


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_waiting_job_is_ended_by_hand(api: Api) -> None:
    job_id = api.submit()
    answer = api.call("POST", f"/v1/jobs/{job_id}/mark", DONE)
    assert (answer.status, answer.body["state"], answer.body["result"]) == (200, "SUCCEEDED", None)
    assert answer.body["reopening"]["reopened"] == 0
    step = answer.body["history"][-1]
    assert (step["actor"], step["reason"]) == ("ann@example.com", "marked: loaded by hand")


def test_a_job_that_runs_is_refused(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    answer = api.call("POST", f"/v1/jobs/{job_id}/mark", DONE)
    assert (answer.status, answer.body["type"]) == (409, "urn:tidegate:problem:not-markable")
    assert "is RUNNING; cancel it first" in answer.body["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**DONE, "state": "FAILED"}, "state"),
        ({"state": "SKIPPED"}, "reason"),
        ({**DONE, "reason": ""}, "reason"),
        ({**DONE, "reason": "x" * 201}, "reason"),
        ({**DONE, "result": 1}, "result"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_written(api: Api, body: dict[str, object], field: str) -> None:
    job_id = api.submit()
    before = api.contents()
    answer = api.call("POST", f"/v1/jobs/{job_id}/mark", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert api.contents() == before


def test_a_body_is_needed_and_the_job_must_be_there(api: Api) -> None:
    assert api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/mark").status == 400
    assert api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/mark", DONE).status == 404
