"""The routes: their answers and their effects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import ANN, NOW, NOW_MS, Api
from tidegate.domain import limits
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp

JOB_FIELDS = {
    "job_id", "workflow_id", "key", "name", "description", "type", "state", "priority", "effective_priority",
    "critical_path_boost", "pool", "requires",
    "share", "concurrency_key", "concurrency_limit", "held_in", "on_hold", "outside", "judgement", "judgements",
    "tags", "submitted_by", "namespace", "attempt", "tries", "worker_losses", "began_at", "reopened", "worker",
    "worker_host", "worker_name",
    "parameters", "depends_on", "waiting_on_count", "created_at", "not_before", "finish_by",
    "latest_start", "due_at", "ready_at", "queued_at", "started_at", "finished_at", "cancel_requested_at",
    "updated_at",
    "cancel_requested_by", "timeout_seconds",
    "max_retries", "retry", "estimated_duration_seconds", "estimate_source", "actual_duration_seconds", "progress",
    "result", "error", "history",
}  # fmt: skip
PLATFORM_BYTES = 6 * 1024 * 1024
DIAMOND = {
    "name": "diamond",
    "priority": 300,
    "tags": {"team": "data"},
    "jobs": [
        {"key": "top", "type": "tidegate.noop"},
        {"key": "left", "type": "tidegate.noop", "priority": 700, "depends_on": [{"key": "top"}]},
        {
            "key": "right",
            "type": "tidegate.noop",
            "depends_on": [{"key": "top", "type": "CONDITIONAL", "condition": "upstream.attempts == 1"}],
        },
        {
            "key": "bottom",
            "type": "tidegate.noop",
            "depends_on": [{"key": "left", "type": "MUST_COMPLETE"}, {"key": "right", "type": "MUST_START"}],
        },
    ],
}


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_job_is_created_and_reads_back_as_it_was_sent(api: Api) -> None:
    sent = {
        "type": "tidegate.sleep",
        "name": "Mittagsschläfchen",
        "description": "rests for two seconds before the heavy part",
        "parameters": {"seconds": 2},
        "priority": 500,
        "pool": "ecs",
        "requires": ["gpu"],
        "tags": {"team": "data"},
        "not_before": "2026-12-01T12:00:00+02:00",
        "finish_by": "2026-12-01T13:00:00+02:00",
        "estimated_duration_seconds": 2,
        "timeout_seconds": 60,
        "max_retries": 2,
        "retry": {
            "backoff_seconds": 7,
            "max_backoff_seconds": 70,
            "never_on": ["BadAccount"],
            "always_on": ["Throttled", "timed-out"],
        },
    }
    created = api.call("POST", "/v1/jobs", sent)
    assert created.status == 201
    assert created.headers == {
        "Content-Type": "application/json",
        "Location": f"/v1/jobs/{created.body['job_id']}",
    }
    job = api.call("GET", created.headers["Location"]).body
    assert set(job) == {*JOB_FIELDS, "straggler"}
    changed = {"not_before": "2026-12-01T10:00:00.000Z", "finish_by": "2026-12-01T11:00:00.000Z"}
    assert {name: job[name] for name in sent} == {**sent, **changed}
    assert job["submitted_by"] == ANN
    assert (job["state"], job["due_at"], job["created_at"]) == ("SCHEDULED", "2026-12-01T10:00:00.000Z", NOW)
    assert job["history"] == [
        {"at": NOW, "state": "SCHEDULED", "attempt": 0, "actor": "ann@example.com", "reason": None}
    ]


def test_a_ready_job_shows_its_effective_priority(api: Api) -> None:
    job_id = api.submit(priority=40)
    api.deps = replace(api.deps, clock=StandingClock(NOW_MS + 3 * 60_000))
    assert api.call("GET", f"/v1/jobs/{job_id}").body["effective_priority"] == 43


def test_the_critical_path_weight_raises_the_head_of_a_long_chain(api: Api) -> None:
    jobs = [
        {"key": "head", "type": "tidegate.noop", "estimated_duration_seconds": 1.5},
        {
            "key": "tail",
            "type": "tidegate.noop",
            "estimated_duration_seconds": 2,
            "depends_on": [{"key": "head"}],
        },
    ]
    accepted = api.call("POST", "/v1/workflows", {"jobs": jobs, "critical_path_weight": 10})
    assert accepted.status == 201
    head, tail = api.call("GET", f"/v1/workflows/{accepted.body['workflow_id']}").body["jobs"]
    assert (head["critical_path_boost"], tail["critical_path_boost"]) == (35, 20)
    assert (head["priority"], head["effective_priority"]) == (100, 135)


def test_the_same_key_and_body_bring_the_same_job_back(api: Api) -> None:
    first = api.call("POST", "/v1/jobs", '{"type": "tidegate.noop", "priority": 7}', key="k" * 128)
    before = api.contents()
    again = api.call("POST", "/v1/jobs", '{"priority":7,\n"type":"tidegate.noop"}', key="k" * 128)
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    assert api.contents() == before


def test_a_workflow_is_created_and_reads_back_page_by_page(api: Api) -> None:
    created = api.call("POST", "/v1/workflows", DIAMOND, key="d")
    workflow_id = created.body["workflow_id"]
    assert created.status == 201
    assert created.headers["Location"] == f"/v1/workflows/{workflow_id}"
    assert list(created.body["job_ids"]) == ["top", "left", "right", "bottom"]
    assert api.call("POST", "/v1/workflows", DIAMOND, key="d").status == 200

    path = f"/v1/workflows/{workflow_id}"
    first = api.call("GET", path, query={"limit": "3"}).body
    rest = api.call("GET", path, query={"limit": "3", "cursor": first["cursor"]}).body
    assert {name: first[name] for name in ("workflow_id", "name", "submitted_by", "job_count")} == {
        "workflow_id": workflow_id,
        "name": "diamond",
        "submitted_by": ANN,
        "job_count": 4,
    }
    assert rest["cursor"] is None
    jobs = first["jobs"] + rest["jobs"]
    assert {(job["submitted_by"], job["history"][0]["actor"]) for job in jobs} == {(ANN, "ann@example.com")}
    assert [(job["key"], job["state"], job["priority"], job["waiting_on_count"]) for job in jobs] == [
        ("top", "READY", 300, 0),
        ("left", "PENDING", 700, 1),
        ("right", "PENDING", 300, 1),
        ("bottom", "PENDING", 300, 2),
    ]
    assert all(job["workflow_id"] == workflow_id and job["tags"] == {"team": "data"} for job in jobs)
    ids = created.body["job_ids"]
    assert jobs[2]["depends_on"] == [
        {"job_id": ids["top"], "type": "CONDITIONAL", "condition": "upstream.attempts == 1"}
    ]
    assert [edge["type"] for edge in jobs[3]["depends_on"]] == ["MUST_COMPLETE", "MUST_START"]


def test_a_listing_goes_on_where_the_last_page_ended(api: Api) -> None:
    ids = {api.submit(priority=priority): priority for priority in (5, 900, 30, 70)}
    api.submit(pool="ecs")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(len(ids)):
        query = {"state": "READY", "pool": "lambda", "limit": "1", **({"cursor": cursor} if cursor else {})}
        page = api.call("GET", "/v1/jobs", query=query).body
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == sorted(ids, key=lambda job_id: -ids[job_id])
    assert cursor is None
    assert len(api.call("GET", "/v1/jobs", query={"state": "READY"}).body["jobs"]) == 5
    empty = {"jobs": [], "looked_at": 0, "cursor": None}
    assert api.call("GET", "/v1/jobs", query={"state": "FAILED"}).body == empty


def test_pages_shrink_until_they_fit_into_an_answer(api: Api) -> None:
    text = '"' * 120_000  # each takes four bytes when the platform carries it
    job = {"type": "trace.task", "parameters": {"seconds": 1, "program": "x"}, "tags": {}}
    jobs = [{**job, "key": f"k{index}"} for index in range(20)]
    workflow_id = api.call("POST", "/v1/workflows", {"jobs": jobs}).body["workflow_id"]
    for index in range(20):
        job_id = f"{workflow_id}.{index}"
        api.run(job_id)
        ending = Ending(State.SUCCEEDED, result=text)
        api.services.jobs.apply(FinishIfAttemptHolds(api.job(job_id), 1, ending, Stamp(NOW_MS, "worker-1")))
    path, found, cursor = f"/v1/workflows/{workflow_id}", 0, None
    for _ in range(20):
        page = api.call("GET", path, query={"limit": "20", **({"cursor": cursor} if cursor else {})})
        assert page.carried_bytes < PLATFORM_BYTES
        assert 1 <= len(page.body["jobs"]) < 20
        found += len(page.body["jobs"])
        cursor = page.body["cursor"]
        if cursor is None:
            break
    assert found == 20


def test_a_result_that_was_not_loaded_is_left_out_of_a_page(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    job = api.job(job_id)
    result = {"rows": "x" * 10_000}
    assert api.services.jobs.store_result_overflow(job, result)
    ending = Ending(State.SUCCEEDED, result_overflow=True)
    api.services.jobs.apply(FinishIfAttemptHolds(job, 1, ending, Stamp(NOW_MS, "worker-1")))
    (listed,) = api.call("GET", "/v1/jobs", query={"state": "SUCCEEDED", "fields": "full"}).body["jobs"]
    assert set(listed) == JOB_FIELDS - {"result"}
    (row,) = api.call("GET", "/v1/jobs", query={"state": "SUCCEEDED"}).body["jobs"]
    assert set(row) == JOB_FIELDS - {"parameters", "depends_on", "result", "history", "judgements"}
    assert api.call("GET", f"/v1/jobs/{job_id}").body["result"] == result


def test_cancelling_ends_a_waiting_job_and_asks_for_a_running_one(api: Api) -> None:
    waiting, running = api.submit(), api.submit()
    api.run(running)
    ended = api.call("POST", f"/v1/jobs/{waiting}/cancel")
    assert (ended.status, ended.body["state"], ended.body["finished_at"]) == (200, "CANCELLED", NOW)
    assert ended.body["history"][-1]["actor"] == ANN.rpartition("/")[2]
    asked = api.call("POST", f"/v1/jobs/{running}/cancel")
    assert (asked.status, asked.body["state"], asked.body["cancel_requested_at"]) == (202, "RUNNING", NOW)
    assert asked.body["cancel_requested_by"] == ANN.rpartition("/")[2]
    assert api.call("POST", f"/v1/jobs/{waiting}/cancel").status == 200


def test_a_job_that_ended_otherwise_can_not_be_cancelled(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    ending = Ending(State.SUCCEEDED)
    api.services.jobs.apply(FinishIfAttemptHolds(api.job(job_id), 1, ending, Stamp(NOW_MS, "worker-1")))
    answer = api.call("POST", f"/v1/jobs/{job_id}/cancel")
    assert answer.status == 409
    assert answer.body["type"] == "urn:tidegate:problem:already-ended"
    assert "SUCCEEDED" in answer.body["detail"]


def test_the_largest_page_is_allowed_and_one_more_is_not(api: Api) -> None:
    for size, status in ((limits.MAX_PAGE_SIZE, 200), (limits.MAX_PAGE_SIZE + 1, 422)):
        assert api.call("GET", "/v1/jobs", query={"state": "READY", "limit": str(size)}).status == status


def test_a_job_is_shown_without_its_large_parts_on_demand(api: Api) -> None:
    job_id = api.submit(type="tidegate.sleep", parameters={"seconds": 1})
    before = sum(api.world.requests.values())
    slim = api.call("GET", f"/v1/jobs/{job_id}", query={"fields": "slim"})
    assert sum(api.world.requests.values()) == before + 1
    full = api.call("GET", f"/v1/jobs/{job_id}", query={"fields": "full"}).body
    left_out = {"parameters", "depends_on", "result", "history", "judgements"}
    assert slim.body == {name: value for name, value in full.items() if name not in left_out}
    assert api.call("GET", f"/v1/jobs/{job_id}").body == full
    wrong = api.call("GET", f"/v1/jobs/{job_id}", query={"fields": "all"})
    assert (wrong.status, wrong.fields) == (422, ["fields"])
