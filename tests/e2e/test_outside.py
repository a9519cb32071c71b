"""Approvals through the deployed functions: they wait outside, are decided, and what follows them runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, becomes_one_of, job_state
from tidegate_devstack import StackInfo


def _submit(home: Path, **approval: Any) -> str:
    """Submits an approval that a job waits for; returns the workflow."""
    jobs = [
        {
            "key": "ask",
            "type": "tidegate.approval",
            "max_retries": 0,
            "parameters": {"title": "Publish?", **approval},
        },
        {"key": "publish", "type": "tidegate.noop", "depends_on": [{"key": "ask"}]},
    ]
    submitted = tidegate_json(home, "submit", "-", stdin=json.dumps({"name": "publish", "jobs": jobs}))
    return str(submitted["workflow_id"])


def _is_outside(home: Path, job_id: str) -> bool:
    return any(job["job_id"] == job_id for job in tidegate_json(home, "approvals")["jobs"])


@pytest.mark.parametrize(
    ("act", "ends", "follows"), [("approve", "SUCCEEDED", "SUCCEEDED"), ("reject", "FAILED", "SKIPPED")]
)
def test_an_approval_waits_outside_and_is_decided(
    stack: StackInfo, stack_home: Path, act: str, ends: str, follows: str
) -> None:
    me = tidegate_json(stack_home, "me")["subject"]
    workflow = _submit(stack_home, approvers=[me])
    ask, publish = f"{workflow}.0", f"{workflow}.1"
    becomes(lambda: _is_outside(stack_home, ask), True)
    shown = tidegate_json(stack_home, "jobs", "get", ask)
    assert (shown["state"], shown["progress"]["message"]) == ("RUNNING", "Publish?")
    assert "It waits for an approval since" in tidegate_json(stack_home, "why", ask)["sentence"]
    assert tidegate(stack_home, act, ask, "--comment", "checked").returncode == 0
    becomes_one_of(job_state(stack_home, publish), {follows})
    decided = tidegate_json(stack_home, "jobs", "get", ask)
    assert (decided["state"], decided["outside"]) == (ends, None)
    if act == "approve":
        assert (decided["result"]["by"], decided["result"]["comment"]) == (me, "checked")
    else:
        assert decided["error"]["code"] == "rejected"


def test_a_silent_approval_is_taken_back_by_the_reaper_and_a_cancelled_one_at_once(
    stack: StackInfo, stack_home: Path
) -> None:
    silent, dropped = _submit(stack_home, timeout_seconds=5), _submit(stack_home)
    becomes(lambda: _is_outside(stack_home, f"{dropped}.0"), True)
    assert tidegate(stack_home, "jobs", "cancel", f"{dropped}.0").returncode == 0
    becomes_one_of(job_state(stack_home, f"{dropped}.0"), {"CANCELLED"})
    becomes_one_of(job_state(stack_home, f"{silent}.0"), {"TIMED_OUT"})
