"""A dry run checks everything, writes nothing, and answers what would be."""

from __future__ import annotations

import pytest

from tests.functions.test_api_recovery import CHAIN
from tests.harness.functions.api_calls import Api

DRY = {"dry_run": "true"}


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
