"""The command that forecasts when jobs start and workflows end."""

from __future__ import annotations

import json

import httpx

from tests.cli.test_commands import tidegate
from tests.cli.test_recovery_commands import Requests, api
from tests.harness.cli.samples import WORKFLOW

__all__ = ["api"]
INTERVAL = {
    "median": "2026-12-01T08:01:00.000Z",
    "low": "2026-12-01T08:00:40.000Z",
    "high": "2026-12-01T08:01:30.000Z",
}
ROW = {"job_id": f"{WORKFLOW}.1", "key": "load", "state": "PENDING", "start": INTERVAL, "end": INTERVAL}
NOTES = [{"code": "on-hold", "message": "Jobs on hold: 1."}]
JOB = {**ROW, "coverage": 0.9, "draws": 60, "notes": NOTES}
FLOW = {
    "workflow_id": WORKFLOW, "jobs_left": 2, "end": INTERVAL, "jobs": [ROW], "coverage": 0.9, "draws": 60, "notes": [],
}  # fmt: skip
JOB_PATH = ("GET", f"/live/v1/jobs/{WORKFLOW}.1/forecast")
FLOW_PATH = ("GET", f"/live/v1/workflows/{WORKFLOW}/forecast")
PAGE_PATH = ("GET", f"/live/v1/workflows/{WORKFLOW}")


def of_workflow(answer: dict[str, object]) -> dict[tuple[str, str], httpx.Response]:
    return {PAGE_PATH: httpx.Response(200, json={"jobs": []}), FLOW_PATH: httpx.Response(200, json=answer)}


def test_a_job_has_one_row_and_its_notes(api: Requests) -> None:
    api({JOB_PATH: httpx.Response(200, json=JOB)})
    lines = tidegate("forecast", f"{WORKFLOW}.1").stdout.splitlines()
    assert "2026-12-01T08:01:00.000Z" in lines[1]
    assert lines[-1] == "on-hold: Jobs on hold: 1."


def test_a_workflow_says_when_it_ends_and_how_many_jobs_are_not_shown(api: Requests) -> None:
    api(of_workflow(FLOW))
    shown = tidegate("forecast", WORKFLOW).stdout
    assert "2 jobs have not ended; the first 1 to start are shown" in shown
    assert (
        f"{WORKFLOW} ends about 2026-12-01T08:01:00.000Z, in 90% of cases between "
        "2026-12-01T08:00:40.000Z and 2026-12-01T08:01:30.000Z" in shown
    )


def test_a_time_to_finish_by_has_its_verdict_and_what_would_help(api: Requests) -> None:
    helps = [
        {"probability": 0.97, "priority": 1000, "add_slots": None},
        {"probability": 0.5, "priority": None, "add_slots": {"ecs": 4, "lambda": 1000}},
    ]
    judged = {"at": INTERVAL["low"], "verdict": "at-risk", "probability": 0.1, "earliest": None}
    api({JOB_PATH: httpx.Response(200, json={**JOB, "finish_by": {**judged, "helps": helps}})})
    assert tidegate("forecast", f"{WORKFLOW}.1").stdout.splitlines()[-4:-1] == [
        "to finish by 2026-12-01T08:00:40.000Z: at-risk, with a probability of 10%",
        "  with priority 1000: 97%",
        "  with 4 more slots in ecs and 1,000 more slots in lambda: 50%",
    ]
    impossible = {
        **judged,
        "verdict": "impossible",
        "probability": 0,
        "earliest": INTERVAL["high"],
        "helps": [],
    }
    api(of_workflow({**FLOW, "finish_by": impossible}))
    assert tidegate("forecast", WORKFLOW).stdout.splitlines()[-2:] == [
        "to finish by 2026-12-01T08:00:40.000Z: impossible, with a probability of 0%",
        "  without any wait it would end about 2026-12-01T08:01:30.000Z",
    ]


def test_a_workflow_without_an_end_says_why(api: Requests) -> None:
    api(of_workflow({**FLOW, "end": None, "jobs": [{**ROW, "start": None, "end": None}]}))
    assert f"{WORKFLOW} does not end as things stand" in tidegate("forecast", WORKFLOW).stdout
    api(of_workflow({**FLOW, "end": None, "jobs": [], "jobs_left": 0}))
    assert f"{WORKFLOW} has ended" in tidegate("forecast", WORKFLOW).stdout


def test_the_whole_answer_is_json(api: Requests) -> None:
    api(of_workflow(FLOW))
    assert json.loads(tidegate("forecast", WORKFLOW, "--output", "json").stdout) == FLOW
