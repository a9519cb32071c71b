"""The order of jobs and the reasons that hold one back, in a deployed stack: pools, keys, types, shares, times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e import looks
from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, job_state
from tests.harness.e2e.worker_processes import worker

HELD_TYPE = "demo.start_signal"
NOT_BEFORE_SECONDS = 5.0  # the most delay while work flows
pytestmark = pytest.mark.usefixtures("stack")


def run_jobs(home: Path, *jobs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Runs these jobs as one workflow, in which all must succeed. Returns them by key."""
    flow = json.dumps({"jobs": jobs})
    done = tidegate_json(home, "submit", "-", "--wait", "--timeout-seconds", "120", stdin=flow)
    return {job["key"]: job for job in done["jobs"]}


def sleeps(key: str, seconds: float, **fields: Any) -> dict[str, Any]:
    return {"key": key, "type": "tidegate.sleep", "parameters": {"seconds": seconds}, **fields}


def at(time: str) -> datetime:
    return datetime.fromisoformat(time)


def test_a_job_runs_where_what_it_requires_is_offered(stack_home: Path, tmp_path: Path) -> None:
    with worker(stack_home, tmp_path / "log", "--worker-id", "e2e-large"):
        ran = run_jobs(
            stack_home,
            {"key": "plain", "type": "tidegate.noop"},
            {"key": "large", "type": "tidegate.noop", "requires": ["large"]},
        )
    assert (ran["large"]["pool"], ran["large"]["worker"]) == ("ecs", "e2e-large")
    assert ran["plain"]["pool"] == "lambda"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"requires": ["tape"]}, "requires: no pool offers tape; ecs offers large; lambda offers nothing"),
        ({"requires": ["large"], "pool": "lambda"}, "requires: pool 'lambda' does not offer large"),
        ({"timeout_seconds": 900}, "timeout_seconds: is 900; pool 'lambda' can run a job for at most 840"),
        ({"share": {"name": "s", "weight": 0}}, "share.weight: must be at least 1"),
    ],
)
def test_what_no_pool_can_do_is_refused(stack_home: Path, fields: dict[str, Any], said: str) -> None:
    refused = tidegate(stack_home, "submit", "-", stdin=json.dumps({"type": "tidegate.noop", **fields}))
    assert (refused.returncode, refused.stdout, said in refused.stderr) == (1, "", True), refused.stderr


def test_a_concurrency_key_holds_over_two_pools(stack_home: Path, tmp_path: Path) -> None:
    pools = ["lambda", "ecs"] * 3
    with worker(stack_home, tmp_path / "log", "--slots", "4"):
        ran = run_jobs(
            stack_home,
            *[
                sleeps(f"k{place}", 0.2, pool=pool, concurrency_key="e2e-key")
                for place, pool in enumerate(pools)
            ],
        )
    assert {job["pool"] for job in ran.values()} == {"lambda", "ecs"}
    in_order = sorted(ran.values(), key=lambda job: job["started_at"])
    assert all(one["finished_at"] <= other["started_at"] for one, other in pairwise(in_order))


@pytest.fixture
def paused_type(stack_home: Path) -> Iterator[str]:
    """Pauses a job type during the block."""
    tidegate_json(stack_home, "types", "pause", HELD_TYPE)
    yield HELD_TYPE
    tidegate_json(stack_home, "types", "resume", HELD_TYPE)


@pytest.mark.usefixtures("no_schedule")
def test_a_paused_type_is_held_and_goes_on(stack_home: Path, paused_type: str) -> None:
    job = json.dumps({"type": paused_type, "parameters": {"seconds": 0}})
    job_id = tidegate_json(stack_home, "submit", "-", stdin=job)["job_id"]
    becomes(lambda: looks.job(stack_home, job_id)["held_in"], f"type:{paused_type}")
    shown = tidegate(stack_home, "jobs", "get", job_id).stdout
    assert f"1 job waits for type {paused_type}, which is paused or at its limit" in shown
    # It does not hold up the others.
    assert run_jobs(stack_home, {"key": "other", "type": "tidegate.noop"})["other"]["state"] == "SUCCEEDED"
    assert job_state(stack_home, job_id)() == "READY"
    tidegate_json(stack_home, "types", "resume", paused_type)
    becomes(job_state(stack_home, job_id), "SUCCEEDED")


def test_a_share_is_served_beside_a_backlog_that_is_more_urgent(stack_home: Path) -> None:
    small = sleeps("small", 0, priority=1, share={"name": "e2e-small", "weight": 1})
    ran = run_jobs(stack_home, *[sleeps(f"k{place}", 0.3, priority=1_000) for place in range(24)], small)
    after = [job for job in ran.values() if job["started_at"] > ran["small"]["started_at"]]
    assert len(after) >= 8


@pytest.mark.usefixtures("no_schedule")
def test_a_job_starts_soon_after_its_time_while_work_flows(stack_home: Path) -> None:
    due = datetime.now(UTC) + timedelta(seconds=4)
    late = {"key": "late", "type": "tidegate.noop", "priority": 1_000, "not_before": due.isoformat()}
    ran = run_jobs(stack_home, *[sleeps(f"k{place}", 1) for place in range(40)], late)
    ready_after = at(ran["late"]["ready_at"]) - at(ran["late"]["not_before"])
    assert timedelta(0) <= ready_after <= timedelta(seconds=NOT_BEFORE_SECONDS)
    last = max(at(job["finished_at"]) for job in ran.values())
    assert at(ran["late"]["not_before"]) < last, "work flowed when its time came"
