"""The demo's promises: it ends as the workflow says, and a second run starts from a clean state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command_line import tidegate
from tidegate_cli.local_stack import StackInfo


@pytest.mark.slow
def test_the_demo_ends_as_its_workflow_says(stack: StackInfo, stack_home: Path) -> None:
    assert stack.port
    ran = tidegate(stack_home, "demo")
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout + ran.stderr
    assert "in a legal order" in said
    assert "critical path" in said
    assert "write units" in said
    (line,) = [line for line in said.splitlines() if "wrote its report to" in line]
    report = Path(line.partition("wrote its report to ")[2]).resolve()
    assert stack_home in report.parents
    assert "lines" in report.read_text(encoding="utf-8")


@pytest.mark.slow
def test_more_jobs_than_one_insert_call_takes_are_noticed_at_once(stack: StackInfo, stack_home: Path) -> None:
    """Jobs inserted by statement reach the stream: the run ends long before the schedule would notice them twice."""
    body = '{"jobs": [%s]}' % ", ".join('{"key": "k%d", "type": "tidegate.noop"}' % n for n in range(60))  # noqa: UP031
    ran = tidegate(stack_home, "run", "-", stdin=body)
    assert ran.returncode == 0, ran.stderr
