"""Jobs and workflows are put on hold and taken off hold over HTTP."""

from __future__ import annotations

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_job_is_put_on_hold_and_taken_off_it(api: Api) -> None:
    job_id = api.submit()
    answer = api.call("POST", f"/v1/jobs/{job_id}/hold")
    assert (answer.status, answer.body["state"], answer.body["on_hold"]) == (200, "SCHEDULED", True)
    step = answer.body["history"][-1]
    assert (step["actor"], step["reason"]) == ("ann@example.com", "put on hold")
    why = api.call("GET", f"/v1/jobs/{job_id}/why").body["facts"]
    assert [(fact["code"], fact["change"]["action"]) for fact in why][:1] == [("on-hold", "unhold")]
    answer = api.call("POST", f"/v1/jobs/{job_id}/unhold")
    assert (answer.status, answer.body["state"], answer.body["on_hold"]) == (200, "READY", False)


def test_a_job_that_runs_is_refused_a_hold(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    answer = api.call("POST", f"/v1/jobs/{job_id}/hold")
    assert (answer.status, answer.body["type"]) == (409, "urn:tidegate:problem:not-waiting")
    assert "is RUNNING, so it is too late to put it on hold" in answer.body["detail"]


def test_a_workflow_is_put_on_hold_and_taken_off_it(api: Api) -> None:
    flow = api.call(
        "POST", "/v1/workflows", {"jobs": [{"key": key, "type": "tidegate.noop"} for key in "ab"]}
    )
    path = f"/v1/workflows/{flow.body['workflow_id']}"
    counts = {"same": 0, "dispatched": 0, "ended": 0, "at_limit": 0, "left": 0}
    wanted = {
        "workflow_id": flow.body["workflow_id"],
        "changed": 2,
        **counts,
        "complete": True,
        "cursor": None,
    }
    assert api.call("POST", f"{path}/hold").body == wanted
    assert {job["on_hold"] for job in api.call("GET", path).body["jobs"]} == {True}
    assert api.call("POST", f"{path}/unhold").body == wanted


@pytest.mark.parametrize("act", ["hold", "unhold"])
def test_unknown_jobs_and_workflows_are_not_found(api: Api, act: str) -> None:
    assert api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/{act}").status == 404
    assert api.call("POST", f"/v1/workflows/{UNKNOWN_ID}/{act}").status == 404
    assert api.call("POST", f"/v1/jobs/{api.submit()}/{act}", {"reason": "x"}).fields == ["reason"]


def test_many_jobs_are_put_on_hold_and_taken_off_it(api: Api) -> None:
    kept, held = api.submit(), api.submit(tags={"team": "data"})
    body = {"filter": {"state": "READY", "tag": ["team=data"]}}
    foreseen = api.call("POST", "/v1/jobs/hold", {**body, "dry_run": True}).body
    assert (foreseen["done"], api.job(held).on_hold) == (1, False)
    told = api.call("POST", "/v1/jobs/hold", body).body["jobs"]
    assert [(each["job_id"], each["outcome"], each["state"]) for each in told] == [
        (held, "DONE", "SCHEDULED")
    ]
    assert (api.job(kept).on_hold, api.job(held).on_hold) == (False, True)
    told = api.call("POST", "/v1/jobs/unhold", {"filter": {"state": "SCHEDULED"}}).body["jobs"]
    assert [(each["job_id"], each["outcome"], each["state"]) for each in told] == [(held, "DONE", "READY")]


def test_a_state_in_which_no_job_is_on_hold_is_refused(api: Api) -> None:
    answer = api.call("POST", "/v1/jobs/unhold", {"filter": {"state": "READY"}})
    assert (answer.status, answer.fields) == (422, ["filter.state"])
