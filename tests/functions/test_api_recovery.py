"""Cancel, retry, rerun and redrive over HTTP."""

from __future__ import annotations

import pytest

from tests.harness.functions.api_calls import NOW_MS, UNKNOWN_ID, Api
from tidegate.domain.job import JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp
from tidegate.usecases.release.release import release

CHAIN = {
    "jobs": [
        {"key": "first", "type": "tidegate.noop"},
        {"key": "second", "type": "tidegate.noop", "depends_on": [{"key": "first"}]},
    ]
}
ALL_CANCELLED = {"asked": 0, "ended": 0, "left": 0, "complete": True}
REFUSED_BODIES = [({"downstream": 1}, "downstream"), ({"all": True}, "all"), ([], "")]


@pytest.fixture
def api() -> Api:
    return Api()


def submit(api: Api) -> tuple[str, str, str]:
    answer = api.call("POST", "/v1/workflows", CHAIN)
    ids = answer.body["job_ids"]
    return answer.body["workflow_id"], ids["first"], ids["second"]


def fail(api: Api, job_id: str) -> None:
    api.run(job_id)
    ending = Ending(State.FAILED, failure=JobFailure("broken", "it broke"))
    ended = api.services.jobs.apply(
        FinishIfAttemptHolds(api.job(job_id), 1, ending, Stamp(NOW_MS, "worker-1"))
    )
    release(api.services, [ended], NOW_MS)


def test_a_failed_job_is_retried_with_what_was_skipped_for_it(api: Api) -> None:
    _, first, second = submit(api)
    fail(api, first)
    assert api.job(second).state is State.SKIPPED
    answer = api.call("POST", f"/v1/jobs/{first}/retry")
    assert (answer.status, answer.body["state"], answer.body["reopened"]) == (200, "READY", 1)
    assert answer.body["reopening"] == {
        "reopened": 2,
        "left_at_limit": 0,
        "left_without_upstream": 0,
        "complete": True,
    }
    assert answer.body["history"][-1]["actor"] == "ann@example.com"
    assert api.job(second).state is State.PENDING


def test_a_failed_job_is_retried_alone(api: Api) -> None:
    _, first, second = submit(api)
    fail(api, first)
    answer = api.call("POST", f"/v1/jobs/{first}/retry", {"reopen_skipped": False})
    assert (answer.status, answer.body["reopening"]["reopened"]) == (200, 1)
    assert api.job(second).state is State.SKIPPED


def test_what_can_not_be_retried_is_409(api: Api) -> None:
    _, first, _ = submit(api)
    answer = api.call("POST", f"/v1/jobs/{first}/retry")
    assert (answer.status, answer.body["type"]) == (409, "urn:tidegate:problem:not-retryable")
    assert "has not ended" in answer.body["detail"]


def test_a_workflow_is_rerun_and_cancelled(api: Api) -> None:
    workflow, first, _ = submit(api)
    fail(api, first)
    answer = api.call("POST", f"/v1/workflows/{workflow}/rerun")
    assert (answer.status, answer.body) == (
        200,
        {
            "workflow_id": workflow,
            "reopened": 2,
            "left_at_limit": 0,
            "complete": True,
            "cursor": None,
            "left_without_upstream": 0,
        },
    )
    cancelled = api.call("POST", f"/v1/workflows/{workflow}/cancel")
    assert (cancelled.status, cancelled.body) == (
        200,
        {"workflow_id": workflow, **ALL_CANCELLED, "cancelled": 2, "cursor": None},
    )


def test_a_workflow_with_a_running_job_is_asked_to_stop(api: Api) -> None:
    workflow, first, _ = submit(api)
    api.run(first)
    answer = api.call("POST", f"/v1/workflows/{workflow}/cancel")
    assert (answer.status, answer.body["asked"], answer.body["cancelled"]) == (202, 1, 1)


def test_everything_downstream_is_cancelled(api: Api) -> None:
    _, first, second = submit(api)
    answer = api.call("POST", f"/v1/jobs/{first}/cancel", {"downstream": True})
    assert (answer.status, answer.body["state"]) == (200, "CANCELLED")
    assert answer.body["downstream"] == {**ALL_CANCELLED, "cancelled": 1}
    assert api.job(second).state is State.CANCELLED


def test_a_pools_undeliverable_jobs_are_redriven(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    ending = Ending(State.FAILED, failure=JobFailure("undeliverable", "nobody took it"))
    api.services.jobs.apply(FinishIfAttemptHolds(api.job(job_id), 1, ending, Stamp(NOW_MS, "reaper")))
    answer = api.call("POST", "/v1/pools/lambda/redrive", query={"limit": "10"})
    assert (answer.status, answer.body) == (
        200,
        {"pool": "lambda", "redriven": 1, "looked_at": 1, "cursor": None},
    )
    assert api.job(job_id).state is State.READY


def test_a_pool_that_nobody_has_is_404(api: Api) -> None:
    assert api.call("POST", "/v1/pools/nowhere/redrive").status == 404
    assert api.call("POST", f"/v1/workflows/{UNKNOWN_ID}/cancel").status == 404


@pytest.mark.parametrize(("body", "field"), REFUSED_BODIES)
def test_a_bad_body_is_refused_and_nothing_is_written(api: Api, body: object, field: str) -> None:
    _, first, _ = submit(api)
    before = api.contents()
    answer = api.call("POST", f"/v1/jobs/{first}/cancel", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert api.call("POST", f"/v1/jobs/{first}/cancel", "{").status == 400
    assert api.contents() == before


def test_what_is_no_truth_value_is_told_in_plain_words(api: Api) -> None:
    _, first, _ = submit(api)
    answer = api.call("POST", f"/v1/jobs/{first}/retry", {"reopen_skipped": "no"})
    assert answer.body["errors"] == [{"field": "reopen_skipped", "message": "must be true or false"}]


def test_an_option_that_a_route_does_not_take_is_refused_and_nothing_is_written(api: Api) -> None:
    workflow, first, _ = submit(api)
    fail(api, first)
    before = api.contents()
    for path in (f"workflows/{workflow}/cancel", f"workflows/{workflow}/rerun", "pools/lambda/redrive"):
        answer = api.call("POST", f"/v1/{path}", {"reopen_skipped": False})
        assert (answer.status, answer.fields) == (422, ["reopen_skipped"]), path
        assert api.call("POST", f"/v1/{path}", "{").status == 400
    paths = [f"jobs/{first}/cancel", f"jobs/{first}/retry", f"workflows/{workflow}/cancel"]
    for path in (*paths, f"workflows/{workflow}/rerun"):
        answer = api.call("POST", f"/v1/{path}", query={"downstream": "true"})
        assert (answer.status, answer.fields) == (422, ["downstream"]), path
        assert "in the body" in answer.body["errors"][0]["message"]
    answer = api.call("POST", "/v1/pools/lambda/redrive", query={"limt": "5"})
    assert answer.body["errors"] == [
        {
            "field": "limt",
            "message": "is no query parameter here; this route takes limit and cursor; options are sent in the body, "
            "where a route has any; did you mean 'limit'?",
        }
    ]
    assert api.contents() == before
    assert api.call("POST", f"/v1/workflows/{workflow}/rerun", {}).status == 200


@pytest.mark.parametrize("limit", ["0", "201", "x"])
def test_a_bad_limit_is_refused(api: Api, limit: str) -> None:
    answer = api.call("POST", "/v1/pools/lambda/redrive", query={"limit": limit})
    assert (answer.status, answer.fields) == (422, ["limit"])


@pytest.mark.parametrize(
    ("retry", "field"),
    [
        ({"never_on": ["A"], "always_on": ["A"]}, "retry"),
        ({"never_on": [""]}, "retry.never_on[0]"),
        ({"never_on": "A"}, "retry.never_on"),
        ({"always_on": [f"code-{place}" for place in range(21)]}, "retry.always_on"),
    ],
)
def test_a_bad_retry_policy_is_refused(api: Api, retry: object, field: str) -> None:
    answer = api.call("POST", "/v1/jobs", {"type": "tidegate.noop", "retry": retry})
    assert (answer.status, answer.fields) == (422, [field])
