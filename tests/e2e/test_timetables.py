"""A timetable on the local stack: made, previewed, run by the reaper, run by hand, backfilled, paused and deleted."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.kills.deployment import schedules
from tests.harness.waiting import PATIENCE_SECONDS
from tidegate_devstack import StackInfo

TICK_SECONDS = 2
EVERY_SECONDS = 60
TASK = {"type": "trace.task", "parameters": {"seconds": 0, "program": "${scheduled_time}"}}


def _in(seconds: float) -> str:
    """Returns the time in so many seconds, in RFC 3339."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def _create(home: Path, *options: str) -> dict[str, Any]:
    """Returns the new timetable."""
    return tidegate_json(home, "timetables", "create", "-", *options, stdin=json.dumps({"job": TASK}))


def _runs(home: Path, timetable: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tidegate_json(home, "timetables", "runs", timetable)["runs"]
    return found


def _first_run(home: Path, timetable: str) -> dict[str, Any]:
    """Waits until the reaper has run the timetable."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        runs = _runs(home, timetable)
        if runs:
            return runs[-1]
        time.sleep(1)
    pytest.fail(
        f"the reaper has not run the timetable; {tidegate(home, 'local', 'logs', 'reaper').stdout[-2_000:]}"
    )


def test_the_reaper_runs_a_timetable_once_at_its_time(stack: StackInfo, stack_home: Path) -> None:
    timetable = _create(stack_home, "--every-seconds", str(EVERY_SECONDS), "--anchor", _in(30))
    made, due = timetable["timetable_id"], timetable["next_at"]
    assert due == tidegate_json(stack_home, "timetables", "next", made)["times"][0]["scheduled_at"]
    with schedules(stack, TICK_SECONDS):
        run = _first_run(stack_home, made)
        assert (run["outcome"], run["cause"], run["scheduled_at"]) == (
            "submitted",
            "timetable",
            due,
        )
        job = tidegate_json(stack_home, "wait", run["job_id"], "--timeout-seconds", str(PATIENCE_SECONDS))
    assert job["result"] == {"program": due, "seconds": 0.0}
    assert tidegate(stack_home, "timetables", "pause", made).returncode == 0
    times = [each["scheduled_at"] for each in _runs(stack_home, made)]
    assert len(times) == len(set(times))
    (row,) = [
        each
        for each in tidegate_json(stack_home, "timetables", "list")["timetables"]
        if each["timetable_id"] == made
    ]
    assert (row["state"], row["next_at"], row["last_run"]["outcome"]) == ("PAUSED", None, "submitted")
    assert tidegate(stack_home, "timetables", "remove", made).returncode == 0
    assert tidegate(stack_home, "timetables", "show", made).returncode == 1


def test_a_timetable_runs_by_hand_and_for_past_days(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    made = _create(stack_home, "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--paused")["timetable_id"]
    ran = tidegate(stack_home, "timetables", "run", made)
    assert ran.returncode == 0, ran.stderr
    ended = tidegate_json(stack_home, "wait", ran.stdout.strip(), "--timeout-seconds", str(PATIENCE_SECONDS))
    assert ended["state"] == "SUCCEEDED"
    counted = tidegate_json(stack_home, "timetables", "backfill", made, "--from", "3d", "--dry-run")
    assert counted["count"] in (3, 4)  # the hour at which the test runs decides, and a leap of the clock
    done = tidegate_json(stack_home, "timetables", "backfill", made, "--from", "3d", "--yes")
    assert (done["submitted"], done["refused"]) == (counted["count"], 0)
    last = done["runs"][-1]
    job = tidegate_json(stack_home, "wait", last["job_id"], "--timeout-seconds", str(PATIENCE_SECONDS))
    assert job["result"]["program"] == last["scheduled_at"]
    again = tidegate_json(stack_home, "timetables", "backfill", made, "--from", "3d", "--yes")
    assert again["submitted"] == 0
    assert [run["cause"] for run in _runs(stack_home, made)].count("backfill") == done["submitted"]
    acts = tidegate_json(stack_home, "audit", "--subject", f"timetable#{made}")["acts"]
    assert {act["act"] for act in acts} >= {"timetable.run", "timetable.backfill"}
