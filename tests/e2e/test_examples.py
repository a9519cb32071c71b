"""Jobs and workflows of examples/ run on the local stack by the commands of their page, and do what they show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.kills.deployment import schedules
from tidegate_cli.documents.structures import load
from tidegate_cli.views import parse_time_ms
from tidegate_devstack import StackInfo

TICK_SECONDS = 5  # where no other work flows, a retry waits for a tick, and ticks are a minute apart
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def _run(home: Path, name: str, *options: str) -> dict[str, Any]:
    """The jobs of an example by key after its run, which must end well."""
    ran = tidegate(home, "run", str(EXAMPLES / name), *options, "--output", "json")
    assert ran.returncode == 0, ran.stderr
    found = tidegate_json(home, "workflows", "get", json.loads(ran.stdout)["workflow_id"])
    return {job["key"]: job for job in found["jobs"]}


def _wait(home: Path, submitted: dict[str, Any]) -> dict[str, Any]:
    return tidegate_json(home, "wait", submitted["job_id"])


def test_a_job_and_its_retries(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    nap = tidegate_json(stack_home, "submit", str(EXAMPLES / "job.json"), "--wait")
    assert (nap["state"], nap["name"], nap["tags"]) == ("SUCCEEDED", "a nap", {"team": "data"})
    with schedules(stack, TICK_SECONDS):
        lucky = _wait(stack_home, tidegate_json(stack_home, "submit", str(EXAMPLES / "retry.yaml")))
    assert (lucky["state"], lucky["attempt"]) == ("SUCCEEDED", 3)


def test_every_type_of_dependency(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    jobs = _run(stack_home, "workflow.json")
    states = {key: job["state"] for key, job in jobs.items()}
    assert states.pop("alert") == "SKIPPED"
    assert set(states.values()) == {"SUCCEEDED"}
    assert jobs["client"]["started_at"] < jobs["server"]["finished_at"]
    labelled = tidegate(stack_home, "jobs", "get", jobs["clean-up"]["job_id"])
    assert f"MUST_COMPLETE publish ({jobs['publish']['job_id']})" in labelled.stdout


def test_a_condition_on_a_result(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    jobs = _run(stack_home, "conditional.yaml")
    states = {key: job["state"] for key, job in jobs.items()}
    assert states == {"measure": "SUCCEEDED", "large": "SKIPPED", "small": "SUCCEEDED", "report": "SUCCEEDED"}


@pytest.mark.parametrize("name", ["shares.yaml", "critical-path.yaml"])
def test_shares_and_the_critical_path(stack: StackInfo, stack_home: Path, name: str) -> None:
    assert stack.port
    jobs = _run(stack_home, name)
    assert {job["state"] for job in jobs.values()} == {"SUCCEEDED"}
    if "long-1" in jobs:
        assert jobs["long-1"]["critical_path_boost"] > jobs["short"]["critical_path_boost"] > 0


def test_two_of_a_key_at_once(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    jobs = _run(stack_home, "concurrency-key.yaml").values()
    ends = [(job["queued_at"], 1) for job in jobs] + [(job["finished_at"], -1) for job in jobs]
    at_once = most = 0
    for _, change in sorted(ends):
        at_once += change
        most = max(most, at_once)
    assert len(jobs) == 4
    assert most == 2


def test_a_trace(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    jobs = _run(stack_home, "trace.json", "--speed", "60")
    assert jobs["right"]["finished_at"] <= jobs["join"]["started_at"]


def test_a_job_waits_for_its_time(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    text = (EXAMPLES / "not-before.yaml").read_text(encoding="utf-8")
    body = load(text, "not-before.yaml")
    assert isinstance(body, dict)
    due = (datetime.now(UTC) + timedelta(seconds=5)).isoformat(timespec="milliseconds")
    changed = text.replace(str(body["not_before"]), due)
    assert changed != text
    ended = _wait(stack_home, tidegate_json(stack_home, "submit", "-", stdin=changed))
    assert (parse_time_ms(ended["started_at"]) or 0) >= (parse_time_ms(due) or 0)
