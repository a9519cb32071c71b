"""The API says on the local stack why a job is not running, within the permissions of its role."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tidegate_cli.client import Client
from tidegate_cli.target import find_target
from tidegate_devstack import StackInfo

CALLS = 60
FLOW = {
    "pool": "ecs",
    "jobs": [
        {"key": "a", "type": "tidegate.noop", "concurrency_key": "k"},
        {"key": "b", "type": "tidegate.noop", "concurrency_key": "k", "depends_on": [{"key": "a"}]},
    ],
}


def test_each_hold_is_named_with_its_change(
    stack: StackInfo, stack_home: Path, monkeypatch: pytest.MonkeyPatch, note: Callable[[str], None]
) -> None:
    tidegate_json(stack_home, "pools", "pause", "ecs")
    tidegate_json(stack_home, "types", "limit", "tidegate.noop", "3")
    workflow_id = tidegate_json(stack_home, "submit", "-", stdin=json.dumps(FLOW))["workflow_id"]
    try:
        answer = tidegate_json(stack_home, "why", f"{workflow_id}.1")
        assert [fact["code"] for fact in answer["facts"]] == ["upstream", "pool-paused", "no-worker"]
        assert answer["complete"]
        shown = tidegate(stack_home, "why", f"{workflow_id}.0").stdout.splitlines()
        assert shown[1:] == [
            "  pool-paused: Pool ecs is paused.",
            "  no-worker: Pool ecs, which offers large, has no live worker.",
            "To start it, all of these are needed: resume pool ecs; start workers with 1 slot in pool ecs.",
        ]
        dependents = tidegate_json(stack_home, "jobs", "dependents", f"{workflow_id}.0")["dependents"]
        assert [each["key"] for each in dependents] == ["b"]
        assert (
            "n1 -->|MUST_SUCCEED| n0"
            in tidegate(stack_home, "jobs", "chain", f"{workflow_id}.1", "--format", "mermaid").stdout
        )
        monkeypatch.setenv("TIDEGATE_HOME", str(stack_home))
        taken_ms = []
        with Client(find_target(None, None, None)) as client:
            for number in range(CALLS):
                began = time.perf_counter()
                client.why(f"{workflow_id}.{number % 2}")
                taken_ms.append((time.perf_counter() - began) * 1_000)
        taken_ms.sort()
        note(f"why: median {taken_ms[CALLS // 2]:.0f} ms, p95 {taken_ms[CALLS * 95 // 100]:.0f} ms")
    finally:
        tidegate_json(stack_home, "workflows", "cancel", workflow_id)
        tidegate_json(stack_home, "types", "limit", "tidegate.noop", "none")
        tidegate_json(stack_home, "pools", "resume", "ecs")
