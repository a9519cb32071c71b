"""A workflow is found by its tag, watched to its end, and measured, on the local stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tidegate_devstack import StackInfo

FLOW = {
    "name": "nightly",
    "tags": {"team": "tides"},
    "jobs": [
        {"key": "extract", "type": "tidegate.sleep", "parameters": {"seconds": 2}},
        {"key": "check", "type": "tidegate.noop", "depends_on": [{"key": "extract"}]},
        {"key": "aside", "type": "tidegate.noop"},
    ],
}
ERROR = 0.037  # of a measured duration: a byte holds it, and three digits are shown


def test_a_workflow_is_found_by_its_tag_watched_and_measured(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    workflow_id = tidegate_json(stack_home, "submit", "-", stdin=json.dumps(FLOW))["workflow_id"]
    watched = tidegate(stack_home, "workflows", "watch", workflow_id, "--output", "json")
    assert watched.returncode == 0, watched.stderr
    looks = [json.loads(line) for line in watched.stdout.splitlines()]
    assert looks[-1]["counts"] == {"SUCCEEDED": 3}
    last = {each["key"]: each["state"] for look in looks for each in look["changes"]}
    assert last == {"extract": "SUCCEEDED", "check": "SUCCEEDED", "aside": "SUCCEEDED"}

    listed = tidegate_json(stack_home, "workflows", "list", "--tag", "team=tides")["workflows"]
    assert [(row["workflow_id"], row["state"], row["tags"]) for row in listed] == [
        (workflow_id, "SUCCEEDED", {"team": "tides"})
    ]
    assert not tidegate_json(stack_home, "workflows", "list", "--tag", "team=ebbs")["workflows"]

    path = tidegate_json(stack_home, "workflows", "critical-path", workflow_id)
    jobs = {job["key"]: job for job in tidegate_json(stack_home, "workflows", "get", workflow_id)["jobs"]}
    assert path["keys"] == ["extract", "check"]
    assert path["known_by"] == ["MEASURED", "MEASURED"]
    assert path["measured_seconds"] == path["seconds"]
    for key, seconds in zip(path["keys"], path["job_seconds"], strict=True):
        assert seconds == pytest.approx(jobs[key]["actual_duration_seconds"], rel=ERROR, abs=0.01)
