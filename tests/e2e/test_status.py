"""The real stack says whether its schedules and streams are alive, and notices one that is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes
from tidegate_devstack import StackInfo

WORKFLOW = {"jobs": [{"key": "a", "type": "tidegate.noop"}]}


def _last_at(home: Path) -> dict[str, Any]:
    found = json.loads(tidegate(home, "status", "--output", "json").stdout)
    return {each["name"]: each["last_at"] for each in [*found["schedules"], *found["streams"]]}


@pytest.mark.usefixtures("stack")
def test_every_part_leaves_a_pulse_once_it_has_worked(stack_home: Path) -> None:
    tidegate_json(stack_home, "submit", "-", "--wait", stdin=json.dumps(WORKFLOW))
    becomes(lambda: sorted(name for name, at in _last_at(stack_home).items() if at is None), [])
    found = tidegate_json(stack_home, "status")
    assert found["healthy"]
    assert {pool["name"]: pool["paused"] for pool in found["pools"]} == {"ecs": False, "lambda": False}


@pytest.mark.usefixtures("no_schedule")
def test_a_schedule_that_stopped_is_noticed(stack: StackInfo, stack_home: Path) -> None:
    """Its pulse is set back, so that the test need not wait for five minutes."""
    dynamodb = stack.session().client("dynamodb", endpoint_url=stack.endpoint_url)
    old = {"name": {"S": "pulse#dispatcher"}, "at": {"N": "1000000000000"}}

    def told() -> tuple[int, list[str]]:
        dynamodb.put_item(TableName=stack.outputs["ControlTable"], Item=old)
        result = tidegate(stack_home, "status")
        (line,) = (line for line in result.stdout.splitlines() if line.startswith("dispatcher"))
        return result.returncode, line.split()[1:3]

    becomes(told, (1, ["schedule", "dead"]))  # a tick that was under way may store a last pulse
