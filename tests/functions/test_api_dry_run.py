"""A dry run checks everything, writes nothing, and answers what would be."""

from __future__ import annotations

import pytest

from tests.functions.test_api_recovery import CHAIN, fail, submit
from tests.harness.functions.api_calls import Api
from tidegate.domain.states import State

DRY = {"dry_run": "true"}
BOB = "arn:aws:sts::123456789012:assumed-role/Others/bob"
NOT_YOURS = "urn:tidegate:problem:not-yours"


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_submission_of_a_job_is_checked(api: Api) -> None:
    before = api.contents()
    body = {"type": "tidegate.noop", "pool": "ecs", "not_before": "2027-01-01T00:00:00Z"}
    answer = api.call("POST", "/v1/jobs", body, query=DRY, key="once")
    assert answer.status == 200
    assert answer.body == {"dry_run": True, "job_count": 1, "states": {"SCHEDULED": 1}, "pools": {"ecs": 1}}
    assert api.contents() == before
    assert api.call("POST", "/v1/jobs", body, key="once").status == 201


def test_a_submission_of_a_workflow_is_checked(api: Api) -> None:
    before = api.contents()
    answer = api.call("POST", "/v1/workflows", CHAIN, query=DRY)
    assert answer.body == {
        "dry_run": True,
        "job_count": 2,
        "states": {"PENDING": 1, "READY": 1},
        "pools": {"lambda": 2},
    }
    assert api.contents() == before


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/workflows"])
def test_what_a_submission_has_wrong_is_named(api: Api, path: str) -> None:
    job = {"type": "tidegate.slep", "key": "a"}
    answer = api.call("POST", path, job if path == "/v1/jobs" else {"jobs": [job]}, query=DRY)
    assert answer.status == 422
    assert [field.rpartition(".")[2] for field in answer.fields] == ["type"]


def test_a_submission_takes_true_or_false(api: Api) -> None:
    answer = api.call("POST", "/v1/jobs", {"type": "tidegate.noop"}, query={"dry_run": "yes"})
    assert (answer.status, answer.message("dry_run")) == (422, "must be true or false")
    assert api.call("POST", "/v1/jobs", {"type": "tidegate.noop"}, query={"dry_run": "false"}).status == 201


NOTHING_LEFT = {"left_at_limit": 0, "left_without_upstream": 0, "complete": True}


def test_a_cancellation_says_what_it_would_do(api: Api) -> None:
    _, first, second = submit(api)
    before = api.contents()
    answer = api.call("POST", f"/v1/jobs/{first}/cancel", {"downstream": True, "dry_run": True})
    assert (answer.status, answer.body["state"], answer.body["dry_run"]) == (200, "READY", True)
    counts = {"cancelled": 1, "asked": 0, "ended": 0, "left": 0, "complete": True}
    assert answer.body["downstream"] == counts
    assert api.call("POST", f"/v1/jobs/{second}/cancel", {"dry_run": True}).body["dry_run"] is True
    assert api.contents() == before
    fail(api, first)
    assert api.call("POST", f"/v1/jobs/{first}/cancel", {"dry_run": True}).status == 409


def test_a_retry_says_what_it_would_do(api: Api) -> None:
    _, first, _ = submit(api)
    assert api.call("POST", f"/v1/jobs/{first}/retry", {"dry_run": True}).status == 409
    fail(api, first)
    before = api.contents()
    answer = api.call("POST", f"/v1/jobs/{first}/retry", {"dry_run": True})
    assert (answer.body["state"], answer.body["reopening"]) == ("FAILED", {"reopened": 2, **NOTHING_LEFT})
    body = {"dry_run": True, "reopen_skipped": False}
    assert api.call("POST", f"/v1/jobs/{first}/retry", body).body["reopening"]["reopened"] == 1
    assert api.contents() == before


def test_a_rerun_of_a_workflow_says_what_it_would_do(api: Api) -> None:
    workflow, first, second = submit(api)
    fail(api, first)
    before = api.contents()
    answer = api.call("POST", f"/v1/workflows/{workflow}/rerun", {"dry_run": True})
    assert answer.body == {
        "workflow_id": workflow,
        "reopened": 2,
        **NOTHING_LEFT,
        "cursor": None,
        "dry_run": True,
    }
    assert api.contents() == before
    assert api.job(second).state is State.SKIPPED


def test_a_cancellation_of_a_workflow_says_what_it_would_do(api: Api) -> None:
    workflow, first, _ = submit(api)
    api.run(first)
    before = api.contents()
    answer = api.call("POST", f"/v1/workflows/{workflow}/cancel", {"dry_run": True})
    counts = {"cancelled": 1, "asked": 1, "ended": 0, "left": 0, "complete": True}
    assert answer.body == {"workflow_id": workflow, **counts, "cursor": None, "dry_run": True}
    assert answer.status == 200
    assert api.contents() == before


@pytest.mark.parametrize("act", ["jobs/{}/cancel", "jobs/{}/retry", "jobs/{}/rerun"])
def test_a_dry_run_refuses_the_jobs_of_other_callers_as_the_act_does(api: Api, act: str) -> None:
    _, first, _ = submit(api)
    fail(api, first)
    for body in ({}, {"dry_run": True}):
        assert api.call("POST", f"/v1/{act.format(first)}", body, arn=BOB).body["type"] == NOT_YOURS


def test_jobs_of_others_that_have_ended_keep_neither_a_cancellation_nor_its_dry_run_back(api: Api) -> None:
    mine = api.call("POST", "/v1/jobs", {"type": "tidegate.noop"}, arn=BOB).body["job_id"]
    theirs = api.submit(depends_on=[{"job_id": mine}])
    body = {"downstream": True, "dry_run": True}
    assert api.call("POST", f"/v1/jobs/{mine}/cancel", body, arn=BOB).body["type"] == NOT_YOURS
    api.call("POST", f"/v1/jobs/{theirs}/cancel")
    foreseen = api.call("POST", f"/v1/jobs/{mine}/cancel", body, arn=BOB)
    assert (foreseen.status, foreseen.body["downstream"]["ended"]) == (200, 1)
    done = api.call("POST", f"/v1/jobs/{mine}/cancel", {"downstream": True}, arn=BOB)
    assert (done.status, done.body["downstream"]["ended"]) == (200, 1)


@pytest.mark.parametrize("act", ["cancel", "rerun"])
def test_a_dry_run_refuses_the_workflows_of_other_callers_as_the_act_does(api: Api, act: str) -> None:
    workflow, _, _ = submit(api)
    for body in ({}, {"dry_run": True}):
        answer = api.call("POST", f"/v1/workflows/{workflow}/{act}", body, arn=BOB)
        assert answer.body["type"] == NOT_YOURS


def test_a_redrive_says_what_it_would_do(api: Api) -> None:
    _, first, _ = submit(api)
    fail(api, first)
    answer = api.call("POST", "/v1/pools/lambda/redrive", {"dry_run": True})
    assert answer.body == {"pool": "lambda", "redriven": 0, "looked_at": 1, "cursor": None, "dry_run": True}
