"""The demo's promises: it ends as the workflow says, and a second run starts from a clean state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate
from tidegate_devstack import StackInfo


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


@pytest.mark.usefixtures("no_schedule")
def test_jobs_inserted_by_statement_reach_the_stream(stack_home: Path) -> None:
    """There are more jobs than one call inserts, and no tick would notice them: only the stream can start them."""
    jobs = [{"key": f"k{number}", "type": "tidegate.noop"} for number in range(30)]
    ran = tidegate(stack_home, "run", "-", "--timeout-seconds", "120", stdin=json.dumps({"jobs": jobs}))
    assert ran.returncode == 0, ran.stderr
