"""The command that forecasts what would end when after changes."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.cli.test_commands import tidegate
from tests.cli.test_forecast import INTERVAL, NOTES
from tests.cli.test_recovery_commands import Requests, api
from tests.harness.cli.samples import WORKFLOW

__all__ = ["api"]
PATH = ("POST", "/live/v1/forecast")
LATER = {"median": 61.2, "low": -3.0, "high": 1_200.0}
ROW = {
    "workflow_id": WORKFLOW,
    "name": "nightly",
    "ended": False,
    "today": INTERVAL,
    "then": INTERVAL,
    "later_seconds": LATER,
}
GONE = {
    "job_id": f"{WORKFLOW}.1",
    "key": "load",
    "state": "READY",
    "today": INTERVAL,
    "then": None,
    "later_seconds": None,
}
FOUND = {
    "asked_at": INTERVAL["low"], "workflows": [ROW], "unchanged_workflows": 2, "jobs": [GONE],
    "submitted": {"job_count": 3, "end": INTERVAL}, "coverage": 0.9, "draws": 60, "notes": NOTES,
}  # fmt: skip


def test_the_options_become_one_request(api: Requests, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text(json.dumps({"type": "tidegate.noop"}), encoding="utf-8")
    seen = api({PATH: httpx.Response(200, json=FOUND)})
    result = tidegate(
        "what-if", WORKFLOW, "--slots", "ecs=+4", "--slots", "lambda=8", "--priority", f"{WORKFLOW}.1=900",
        "--pause", "tidegate.sleep", "--pause-pool", "ecs", "--submit", str(file), "-o", "json",
    )  # fmt: skip
    assert json.loads(result.stdout) == FOUND
    assert json.loads(seen[-1].content) == {
        "about": [WORKFLOW],
        "slots": {"lambda": 8},
        "add_slots": {"ecs": 4},
        "priorities": {f"{WORKFLOW}.1": 900},
        "pause_types": ["tidegate.sleep"],
        "pause_pools": ["ecs"],
        "submit": {"type": "tidegate.noop"},
    }


def test_each_row_says_by_how_much_it_ends_later(api: Requests) -> None:
    api({PATH: httpx.Response(200, json=FOUND)})
    shown = tidegate("what-if", "--slots", "ecs=-1").stdout
    workflow, job = shown.splitlines()[1:3]
    assert "nightly" in workflow
    assert "+61 s" in workflow
    assert "-3 s and +1,200 s" in workflow
    assert "never" in job
    assert "the submission (3 jobs) ends about 2026-12-01T08:01:00.000Z" in shown
    assert "2 other workflows end as they do today" in shown
    assert "on-hold: Jobs on hold: 1." in shown


def test_the_verdict_about_the_submission_is_told(api: Requests) -> None:
    judged = {"at": INTERVAL["low"], "verdict": "missed", "probability": 0.0, "helps": []}
    submitted = {"job_count": 3, "end": INTERVAL, "finish_by": judged}
    api({PATH: httpx.Response(200, json={**FOUND, "submitted": submitted})})
    shown = tidegate("what-if", "--slots", "ecs=-1").stdout
    assert "to finish by 2026-12-01T08:00:40.000Z: missed, with a probability of 0%" in shown


def test_what_has_ended_is_not_said_to_end_never(api: Requests) -> None:
    nothing = {"today": None, "then": None, "later_seconds": None}
    done = {**GONE, **nothing, "state": "FAILED"}
    held = {**GONE, **nothing}
    workflows = [{**ROW, **nothing, "ended": True}, {**ROW, **nothing, "ended": False}]
    api({PATH: httpx.Response(200, json={**FOUND, "workflows": workflows, "jobs": [done, held]})})
    lines = tidegate("what-if", WORKFLOW, "--slots", "ecs=-1").stdout.splitlines()[1:5]
    assert [line.split()[1:] for line in lines] == [
        ["ended"] * 2,
        ["never"] * 2,
        ["FAILED"] * 2,
        ["never"] * 2,
    ]


def test_no_change_is_said(api: Requests) -> None:
    found = {**FOUND, "workflows": [], "jobs": [], "submitted": None, "unchanged_workflows": 0, "notes": []}
    api({PATH: httpx.Response(200, json=found)})
    assert tidegate("what-if", "--slots", "ecs=1").stdout == "no workflow ends at another time\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--slots or another change is needed"),
        (("--slots", "ecs"), "write POOL=+4"),
        (("--slots", "ecs=many"), "no whole number"),
        (
            ("--slots", "ecs=+4", "--slots", "ecs=+2"),
            "--slots gives 'ecs' two values, '+4' and '+2': leave one",
        ),
        (("--slots", "ecs=+4", "--slots", "ecs=8"), "--slots gives 'ecs' two values"),
        (("--priority", f"{WORKFLOW}=9", "--priority", f"{WORKFLOW}=8"), "two values, '9' and '8'"),
        (("--priority", "900"), "write ID=900"),
        (("--priority", "x=900"), "malformed"),
    ],
)
def test_what_is_wrong_is_said_before_a_request(
    api: Requests, options: tuple[str, ...], message: str
) -> None:
    seen = api({})
    result = tidegate("what-if", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not seen
