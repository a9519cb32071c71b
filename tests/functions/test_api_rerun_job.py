"""A job is rerun with what follows it over HTTP."""

from __future__ import annotations

import pytest

from tests.functions.test_api_recovery import submit
from tests.harness.functions.api_calls import NOW_MS, UNKNOWN_ID, Api
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp
from tidegate.usecases.release.release import release

DONE = {
    "rerun": 2,
    "left_at_limit": 0,
    "left_active": 0,
    "complete": True,
    "cursor": None,
    "dry_run": False,
}


@pytest.fixture
def api() -> Api:
    return Api()


def succeed(api: Api, job_id: str) -> None:
    api.run(job_id)
    ending = Ending(State.SUCCEEDED, result={"rows": 3})
    ended = api.services.jobs.apply(
        FinishIfAttemptHolds(api.job(job_id), 1, ending, Stamp(NOW_MS, "worker-1"))
    )
    release(api.services, [ended], NOW_MS)


def test_a_succeeded_job_runs_again_with_what_follows_it(api: Api) -> None:
    _, first, second = submit(api)
    succeed(api, first)
    succeed(api, second)
    answer = api.call("POST", f"/v1/jobs/{first}/rerun", {"dry_run": True})
    assert (answer.body["state"], answer.body["rerun"]) == ("SUCCEEDED", {**DONE, "dry_run": True})
    answer = api.call("POST", f"/v1/jobs/{first}/rerun")
    assert (answer.status, answer.body["state"], answer.body["rerun"]) == (200, "READY", DONE)
    assert answer.body["result"] is None
    assert api.job(second).state is State.PENDING


def test_a_job_runs_again_alone_with_new_parameters(api: Api) -> None:
    job_id = api.submit(type="tidegate.sleep", parameters={"seconds": 1})
    succeed(api, job_id)
    body = {"parameters": {"seconds": 2}, "downstream": False}
    assert api.call("POST", f"/v1/jobs/{job_id}/rerun", body).body["rerun"] == {**DONE, "rerun": 1}
    assert api.call("GET", f"/v1/jobs/{job_id}").body["parameters"] == {"seconds": 2}


def test_a_job_that_has_not_ended_is_refused(api: Api) -> None:
    answer = api.call("POST", f"/v1/jobs/{api.submit()}/rerun")
    assert (answer.status, answer.body["type"]) == (409, "urn:tidegate:problem:not-retryable")


@pytest.mark.parametrize(
    ("body", "field"),
    [({"parameters": 1}, "parameters"), ({"downstream": "no"}, "downstream"), ({"alone": True}, "alone")],
)
def test_a_wrong_option_is_named(api: Api, body: dict[str, object], field: str) -> None:
    answer = api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/rerun", body)
    assert (answer.status, answer.fields) == (422, [field])


def test_parameters_that_the_type_refuses_are_named(api: Api) -> None:
    job_id = api.submit(type="tidegate.sleep", parameters={"seconds": 1})
    succeed(api, job_id)
    before = api.contents()
    answer = api.call("POST", f"/v1/jobs/{job_id}/rerun", {"parameters": {"secnds": 1}})
    assert (answer.status, "parameters.secnds" in answer.fields) == (422, True)
    assert api.contents() == before
