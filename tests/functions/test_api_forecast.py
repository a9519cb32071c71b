"""The API forecasts when jobs start and workflows end."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from tests.harness.domain.documents import read_document, table_rows
from tests.harness.functions.api_calls import NOW, UNKNOWN_ID, Api
from tidegate.domain.forecast.forecast import FEWEST_DRAWS
from tidegate.usecases.forecast.notes import NoteCode
from tidegate.usecases.record.record import record

PAGE = read_document("reference/api.md")
FLOW = {
    "jobs": [
        {
            "key": "extract",
            "type": "tidegate.sleep",
            "parameters": {"seconds": 30},
            "estimated_duration_seconds": 30,
        },
        {
            "key": "load",
            "type": "tidegate.noop",
            "depends_on": [{"key": "extract"}],
            "estimated_duration_seconds": 60,
        },
    ]
}


@pytest.fixture
def api() -> Api:
    return Api()


def seconds_from_now(text: str) -> float:
    return (datetime.fromisoformat(text) - datetime.fromisoformat(NOW)) / timedelta(seconds=1)


def test_a_workflow_and_its_jobs_are_forecast(api: Api) -> None:
    flow = api.call("POST", "/v1/workflows", FLOW).body
    answer = api.call("GET", f"/v1/workflows/{flow['workflow_id']}/forecast").body
    assert (answer["jobs_left"], answer["coverage"], answer["notes"]) == (2, 0.9, [])
    first, second = answer["jobs"]
    assert [first["key"], second["key"]] == ["extract", "load"]
    assert seconds_from_now(first["start"]["median"]) == 0
    assert second["start"] == first["end"]
    assert second["end"] == answer["end"]
    assert seconds_from_now(first["end"]["median"]) == pytest.approx(30, rel=0.3)
    assert seconds_from_now(answer["end"]["median"]) == pytest.approx(90, rel=0.3)
    assert answer["end"]["low"] < answer["end"]["median"] < answer["end"]["high"]
    assert answer == api.call("GET", f"/v1/workflows/{flow['workflow_id']}/forecast").body
    one = api.call("GET", f"/v1/jobs/{flow['job_ids']['load']}/forecast").body
    assert (one["start"], one["end"], one["state"]) == (second["start"], second["end"], "PENDING")


def test_a_time_to_finish_by_is_judged_for_the_workflow_and_for_each_job_that_has_one(api: Api) -> None:
    late = {**FLOW["jobs"][1], "finish_by": "2026-12-01T08:00:20Z"}
    body = {**FLOW, "jobs": [FLOW["jobs"][0], late], "finish_by": "2026-12-01T09:00:00Z"}
    flow = api.call("POST", "/v1/workflows", body).body
    workflow, job = f"/v1/workflows/{flow['workflow_id']}", f"/v1/jobs/{flow['job_ids']['load']}"
    assert api.call("GET", f"{workflow}/forecast").body["finish_by"] == {
        "at": "2026-12-01T09:00:00.000Z",
        "verdict": "on-course",
        "probability": 1.0,
        "earliest": None,
        "helps": [],
    }
    assert api.call("GET", workflow).body["finish_by"] == "2026-12-01T09:00:00.000Z"
    judged = api.call("GET", f"{job}/forecast").body["finish_by"]
    assert (judged["verdict"], judged["probability"], judged["helps"]) == ("impossible", 0.0, [])
    assert seconds_from_now(judged["earliest"]) == pytest.approx(90, rel=0.3)
    extract = f"/v1/jobs/{flow['job_ids']['extract']}"
    assert api.call("GET", f"{extract}/forecast").body["finish_by"] is None
    api.call("POST", f"{extract}/cancel", {"downstream": True})
    assert api.call("GET", f"{workflow}/forecast").body["finish_by"] is None
    assert api.call("GET", f"{job}/forecast").body["finish_by"] is None


def test_what_would_help_is_told_with_its_probability(api: Api) -> None:
    for _ in range(30):
        api.submit(priority=500, estimated_duration_seconds=60)
    slots = api.call("GET", "/v1/pools").body["pools"]
    job_id = api.submit(estimated_duration_seconds=1, finish_by="2026-12-01T08:00:10Z")
    judged = api.call("GET", f"/v1/jobs/{job_id}/forecast").body["finish_by"]
    assert judged["verdict"] == "at-risk"
    assert [(each["priority"], each["add_slots"] is None) for each in judged["helps"]][:1] == [
        (1_000, True)
    ], slots
    assert judged["helps"][0]["probability"] > judged["probability"]


def test_a_job_that_runs_has_an_end_and_no_start(api: Api) -> None:
    job_id = api.submit(estimated_duration_seconds=10)
    api.run(job_id)
    answer = api.call("GET", f"/v1/jobs/{job_id}/forecast").body
    assert (answer["state"], answer["start"]) == ("RUNNING", None)
    assert seconds_from_now(answer["end"]["median"]) == pytest.approx(10, rel=0.3)


def test_what_keeps_a_job_from_a_forecast_is_told(api: Api) -> None:
    job_id = api.submit()
    api.call("POST", "/v1/pools/lambda/pause")
    answer = api.call("GET", f"/v1/jobs/{job_id}/forecast").body
    assert (answer["start"], answer["end"]) == (None, None)
    assert [note["code"] for note in answer["notes"]] == ["pool-paused", "run-times-guessed"]


def test_the_page_lists_every_note() -> None:
    rows = table_rows(PAGE, "code of a note")
    assert set(re.findall(r"`([a-z-]+)`", " ".join(row[0] for row in rows))) == set(NoteCode)


@pytest.mark.parametrize("kind", ["jobs", "workflows"])
def test_what_is_unknown_is_not_found(api: Api, kind: str) -> None:
    assert api.call("GET", f"/v1/{kind}/{UNKNOWN_ID}/forecast").status == 404
    assert api.call("GET", f"/v1/{kind}/nonsense/forecast").status == 404


def test_the_workflows_of_a_list_are_forecast_where_that_is_asked_for(api: Api) -> None:
    ended, running = (api.call("POST", "/v1/workflows", FLOW).body["workflow_id"] for _ in range(2))
    api.call("POST", f"/v1/workflows/{ended}/cancel")
    record(api.services, [change.new for change in api.world.changes])
    plain = api.call("GET", "/v1/workflows").body
    assert plain["forecast"] is None
    assert {row["forecast"] for row in plain["workflows"]} == {None}
    assert plain == api.call("GET", "/v1/workflows", query={"forecast": "false"}).body
    answer = api.call("GET", "/v1/workflows", query={"forecast": "true"}).body
    rows = {row["workflow_id"]: row["forecast"] for row in answer["workflows"]}
    assert rows[ended] is None
    assert seconds_from_now(rows[running]["end"]["median"]) == pytest.approx(90, rel=0.3)
    assert answer["cursor"] == plain["cursor"], "a page may be forecast that was read without"
    told = answer["forecast"]
    assert (told["left_out"], told["coverage"], told["draws"], told["notes"]) == (0, 0.9, FEWEST_DRAWS, [])
    refused = api.call("GET", "/v1/workflows", query={"forecast": "yes"})
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, "forecast")
