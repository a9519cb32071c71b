"""The API says what would end when after changes, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Answer, Api
from tidegate.domain import limits

PATH = "/v1/forecast"


def flow(*keys: str, priority: int = 100) -> dict[str, object]:
    jobs = [
        {"key": key, "type": "tidegate.noop", "estimated_duration_seconds": 60, "priority": priority}
        for key in keys
    ]
    return {"name": "flow", "jobs": jobs}


@pytest.fixture
def api() -> Api:
    return Api()


def asked(api: Api, **body: object) -> Answer:
    before = api.contents()
    answer = api.call("POST", PATH, body)
    assert api.contents() == before
    return answer


def seconds_later(row: dict[str, Any]) -> float:
    return float(row["later_seconds"]["median"])


def test_slots_and_priorities_change_what_ends_when(api: Api) -> None:
    early = api.call("POST", "/v1/workflows", flow("a", "b", "c", "d")).body
    late = api.call("POST", "/v1/workflows", flow("a", "b")).body["workflow_id"]
    found = asked(api, add_slots={"lambda": 4}).body
    assert {row["workflow_id"] for row in found["workflows"]} == {early["workflow_id"], late}
    assert all(seconds_later(row) < -30 for row in found["workflows"])
    assert all(row["then"]["median"] < row["today"]["median"] for row in found["workflows"])
    assert found["workflows"][0]["name"] == "flow"
    found = asked(api, about=[early["job_ids"]["d"]], priorities={late: 900}).body
    rows = {row["workflow_id"]: row for row in found["workflows"]}
    assert seconds_later(rows[late]) < -30
    assert rows[early["workflow_id"]]["later_seconds"]["high"] > 10
    (row,) = found["jobs"]
    assert (row["key"], row["state"], row["later_seconds"]["high"] > 10) == ("d", "READY", True)
    assert (found["submitted"], found["coverage"], found["notes"]) == (None, 0.9, [])


def test_a_pause_keeps_from_an_end_and_is_noted(api: Api) -> None:
    workflow = api.call("POST", "/v1/workflows", flow("a")).body["workflow_id"]
    for change, code in (
        ({"pause_pools": ["lambda"]}, "pool-paused"),
        ({"pause_types": ["tidegate.noop"]}, "type-paused"),
    ):
        found = asked(api, **change).body
        assert [(row["workflow_id"], row["then"], row["later_seconds"]) for row in found["workflows"]] == [
            (workflow, None, None)
        ]
        assert found["workflows"][0]["today"] is not None
        assert code in [note["code"] for note in found["notes"]]


def test_a_submission_is_forecast_with_what_it_delays(api: Api) -> None:
    standing = api.call("POST", "/v1/workflows", flow("a", "b", "c")).body["workflow_id"]
    urgent = flow(*"abcdefgh", priority=900)
    found = asked(api, submit=urgent).body
    assert found["submitted"]["job_count"] == 8
    assert found["submitted"]["end"] is not None
    assert found["submitted"]["finish_by"] is None
    (row,) = found["workflows"]
    assert (row["workflow_id"], seconds_later(row) > 60) == (standing, True)
    upstream = api.submit(estimated_duration_seconds=60)
    alone = {"type": "tidegate.noop", "depends_on": [{"job_id": upstream}], "estimated_duration_seconds": 1}
    assert asked(api, submit=alone).body["submitted"]["end"]["median"] is not None


def test_a_submission_is_judged_by_its_own_time_after_the_changes(api: Api) -> None:
    for _ in range(30):
        api.submit(priority=500, estimated_duration_seconds=60)
    timed = {**flow("own"), "finish_by": "2026-12-01T08:01:30Z"}
    late = asked(api, submit=timed).body["submitted"]["finish_by"]
    assert (late["at"], late["verdict"]) == ("2026-12-01T08:01:30.000Z", "at-risk")
    assert late["helps"][0]["priority"] == 1_000
    found = asked(api, submit=timed, add_slots={"lambda": 100}).body["submitted"]["finish_by"]
    assert (found["verdict"], found["helps"]) == ("on-course", [])
    passed = asked(api, submit={**flow("own"), "finish_by": "2026-12-01T07:00:00Z"})
    assert (passed.status, passed.fields) == (422, ["submit.finish_by"])


def test_what_does_not_change_is_counted_and_what_was_asked_about_is_shown(api: Api) -> None:
    workflow = api.call("POST", "/v1/workflows", flow("a")).body["workflow_id"]
    found = asked(api, add_slots={"ecs": 4}).body
    assert (found["workflows"], found["unchanged_workflows"]) == ([], 1)
    found = asked(api, add_slots={"ecs": 4}, about=[workflow]).body
    assert ([seconds_later(row) for row in found["workflows"]], found["unchanged_workflows"]) == ([0.0], 0)
    assert [row["ended"] for row in found["workflows"]] == [False]
    ended = api.submit()
    api.call("POST", f"/v1/jobs/{ended}/cancel")
    api.call("POST", f"/v1/workflows/{workflow}/cancel")
    found = asked(api, add_slots={"ecs": 4}, about=[workflow, ended]).body
    assert [(row["state"], row["today"], row["then"]) for row in found["jobs"]] == [("CANCELLED", None, None)]
    assert [(row["workflow_id"], row["then"], row["ended"]) for row in found["workflows"]] == [
        (workflow, None, True)
    ]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"slots": {"ecs": -1}}, "slots.ecs", "must be at least 0"),
        ({"add_slots": {"lambda": -3}}, "add_slots.lambda", "has 2 slots, and would have -1"),
        ({"slots": {"esc": 1}}, "slots.esc", "did you mean 'ecs'?"),
        ({"pause_pools": ["esc"]}, "pause_pools[0]", "unknown pool"),
        ({"pause_types": ["tidegate.nop"]}, "pause_types[0]", "did you mean 'tidegate.noop'?"),
        ({"priorities": {UNKNOWN_ID: 9}}, f"priorities.{UNKNOWN_ID}", "there is no job and no workflow"),
        ({"slots": {"ecs": 1}, "about": ["x"]}, "about[0]", "there is no job and no workflow"),
        ({"priorities": {UNKNOWN_ID: 1_001}}, f"priorities.{UNKNOWN_ID}", "must be at most 1,000"),
        ({"submit": {"type": "tidegate.nop"}}, "submit.type", "unknown job type"),
        ({"submit": {}}, "submit.type", "is required"),
        ({"submit": {"jobs": [{"key": "a"}]}}, "submit.jobs[0].type", "is required"),
        ({"submit": {"jobs": [{"key": "a", "type": "x"}]}}, "submit.jobs[0].type", "unknown job type"),
        ({"about": [UNKNOWN_ID]}, "", "must name at least one of"),
        ({"slots": {"ecs": 1}, "add_slots": {"ecs": 1}}, "", "leave it in one of them"),
        (
            {"pause_pools": ["ecs"] * (limits.MAX_WHAT_IF_NAMES + 1)},
            "pause_pools",
            f"at most {limits.MAX_WHAT_IF_NAMES} are allowed",
        ),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: dict[str, object], field: str, message: str) -> None:
    answer = asked(api, **body)
    assert answer.status == 422
    assert message in answer.message(field)


def test_only_a_waiting_job_can_be_more_urgent(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    answer = asked(api, priorities={job_id: 900})
    assert "is RUNNING" in answer.message(f"priorities.{job_id}")
    assert api.call("POST", PATH).status == 400
