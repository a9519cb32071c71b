"""Many jobs are cancelled, retried and reprioritised in bounded calls over HTTP, and the outcome is told per job."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functions.test_api_recovery import fail, submit
from tests.harness.functions.api_calls import Api
from tidegate.domain.states import State


@pytest.fixture
def api() -> Api:
    return Api()


def act(api: Api, name: str, **body: Any) -> dict[str, Any]:
    answer = api.call("POST", f"/v1/jobs/{name}", body)
    assert answer.status == 200, answer.body
    return answer.body


def test_jobs_in_a_state_are_cancelled_page_by_page(api: Api) -> None:
    ids = {api.submit() for _ in range(5)}
    api.submit(pool="ecs")
    wanted = {"state": "READY", "pool": "lambda"}
    first = act(api, "cancel", filter=wanted, limit=3)
    assert (first["done"], first["looked_at"]) == (3, 3)
    rest = act(api, "cancel", filter=wanted, cursor=first["cursor"])
    assert (rest["done"], rest["cursor"]) == (2, None)
    told = [*first["jobs"], *rest["jobs"]]
    assert {each["job_id"] for each in told} == ids
    assert {(each["outcome"], each["state"], each["reason"]) for each in told} == {
        ("DONE", "CANCELLED", None)
    }
    assert all(api.job(job_id).history[-1].actor == "ann@example.com" for job_id in ids)


def test_the_workers_of_running_jobs_are_asked(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    body = {"filter": {"state": "RUNNING"}, "dry_run": True}
    asked = {"job_id": job_id, "outcome": "ASKED", "state": "RUNNING", "reason": None}
    assert act(api, "cancel", **body)["jobs"] == [asked]
    assert api.job(job_id).cancel_requested_at_ms is None
    answer = act(api, "cancel", filter={"state": "RUNNING"})
    assert (answer["jobs"], answer["asked"]) == ([asked], 1)
    assert api.job(job_id).cancel_requested_by == "ann@example.com"


@pytest.mark.parametrize("name", ["cancel", "reprioritise"])
def test_a_dry_run_writes_nothing_and_tells_what_would_be(api: Api, name: str) -> None:
    job_id, other = api.submit(), api.submit(type="tidegate.sleep", parameters={"seconds": 1})
    before = api.contents()
    more = {"priority": 900} if name == "reprioritise" else {}
    body = {"filter": {"state": "READY", "type": "tidegate.noop"}, "dry_run": True, **more}
    answer = act(api, name, **body)
    assert (answer["done"], answer["looked_at"], answer["dry_run"]) == (1, 2, True)
    assert [each["job_id"] for each in answer["jobs"]] == [job_id]
    assert other not in str(answer)
    assert api.contents() == before


def test_failed_jobs_are_retried_with_what_was_skipped_for_them(api: Api) -> None:
    _, first, second = submit(api)
    fail(api, first)
    assert act(api, "retry", filter={"state": "FAILED"}, dry_run=True)["done"] == 1
    assert act(api, "retry", filter={"state": "FAILED"})["done"] == 1
    assert (api.job(first).state, api.job(second).state) == (State.READY, State.PENDING)


def test_the_jobs_of_one_workflow_get_another_priority(api: Api) -> None:
    workflow, first, second = submit(api)
    alone = api.submit()
    wanted = {"state": "READY", "workflow": workflow}
    answer = act(api, "reprioritise", filter=wanted, priority=900, limit=1)
    assert (answer["done"], answer["looked_at"]) == (1, 1)
    answer = act(api, "reprioritise", filter=wanted, priority=900, cursor=answer["cursor"])
    assert (answer["done"], answer["looked_at"], answer["cursor"]) == (0, 1, None)
    assert [api.job(job_id).priority for job_id in (first, second, alone)] == [900, 100, 100]
    again = act(api, "reprioritise", filter=wanted, priority=900)
    assert (again["done"], api.job(first).amended) == (1, 1)


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("cancel", {}, "filter"),
        ("cancel", {"filter": {}}, "filter.state"),
        ("cancel", {"filter": {"state": "ready"}}, "filter.state"),
        ("cancel", {"filter": {"state": "FAILED"}}, "filter.state"),
        ("retry", {"filter": {"state": "SUCCEEDED"}}, "filter.state"),
        ("reprioritise", {"filter": {"state": "QUEUED"}, "priority": 1}, "filter.state"),
        ("reprioritise", {"filter": {"state": "READY"}}, "priority"),
        ("cancel", {"filter": {"state": "READY"}, "priority": 1}, "priority"),
        ("cancel", {"filter": {"state": "READY", "pol": "ecs"}}, "filter.pol"),
        ("cancel", {"filter": {"state": "READY", "pool": "esc"}}, "pool"),
        ("cancel", {"filter": {"state": "READY", "tag": ["team"]}}, "filter.tag"),
        ("cancel", {"filter": {"state": "READY", "from": "yesterday"}}, "filter.from"),
        ("cancel", {"filter": {"state": "READY,SUCCEEDED"}}, "filter.state"),
        ("cancel", {"filter": {"state": "READY"}, "limit": 201}, "limit"),
        ("cancel", {"filter": {"state": "READY"}, "cursor": "x"}, "cursor"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(
    api: Api, name: str, body: dict[str, Any], field: str
) -> None:
    api.submit()
    before = api.contents()
    answer = api.call("POST", f"/v1/jobs/{name}", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert api.contents() == before


def test_the_filters_are_those_of_the_list(api: Api) -> None:
    wanted = api.submit(tags={"team": "data"}, name="nightly")
    api.submit(tags={"team": "data"})
    api.submit(name="nightly")
    chosen = {"state": "READY,PENDING", "tag": ["team=data"], "name": "night"}
    assert [each["job_id"] for each in act(api, "cancel", filter=chosen)["jobs"]] == [wanted]


def test_jobs_that_ought_to_end_by_a_time_are_acted_on(api: Api) -> None:
    urgent = api.submit(finish_by="2027-01-01T00:00:00Z")
    api.submit(finish_by="2027-01-03T00:00:00Z")
    api.submit()
    answer = act(api, "cancel", filter={"state": "READY", "finish_by": "2027-01-02T00:00:00Z"})
    assert [each["job_id"] for each in answer["jobs"]] == [urgent]


def test_a_cursor_holds_for_its_own_filter_and_act_alone(api: Api) -> None:
    for _ in range(3):
        api.submit()
    cursor = act(api, "cancel", filter={"state": "READY"}, limit=1, dry_run=True)["cursor"]
    for name, wanted in (("cancel", {"state": "PENDING"}), ("retry", {"state": "FAILED"})):
        answer = api.call("POST", f"/v1/jobs/{name}", {"filter": wanted, "cursor": cursor})
        assert (answer.status, answer.fields) == (422, ["cursor"])
    assert act(api, "cancel", filter={"state": "READY"}, cursor=cursor)["done"] == 2


def test_a_page_is_read_by_get_alone_and_an_act_by_post_alone(api: Api) -> None:
    assert api.call("GET", "/v1/jobs/cancel").status == 405
    answer = api.call("POST", "/v1/jobs/cancel", {"filter": {"state": "READY"}}, query={"limit": "1"})
    assert (answer.status, answer.fields) == (422, ["limit"])
    assert api.call("POST", "/v1/jobs/cancel").status == 400
