"""Recorded workflows run whole and in a legal order on the local stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dev.simulator.workflows.traces import SAMPLES
from tests.harness.e2e.command_line import tidegate, tidegate_json
from tidegate_cli.following.order_check import check_order
from tidegate_cli.views import job_view
from tidegate_devstack import StackInfo

FORK_JOIN = {
    "name": "fork-join",
    "workflow": {
        "specification": {
            "tasks": [
                {"id": "join", "name": "join", "parents": ["left", "right"], "children": []},
                {"id": "left", "name": "side", "parents": ["fork"], "children": ["join"]},
                {"id": "right", "name": "side", "parents": ["fork"], "children": ["join"]},
                {"id": "fork", "name": "fork", "parents": [], "children": ["left", "right"]},
            ]
        },
        "execution": {
            "tasks": [
                {"id": "fork", "runtimeInSeconds": 6},
                {"id": "left", "runtimeInSeconds": 0},
                {"id": "right", "runtimeInSeconds": 12.5},
                {"id": "join", "runtimeInSeconds": 3},
            ]
        },
    },
}


def _run(home: Path, file: Path, tasks: int, edges: int) -> None:
    ran = tidegate(home, "run", str(file), "--speed", "600", "--slots", "8", "--output", "json")
    assert ran.returncode == 0, ran.stderr
    workflow_id = json.loads(ran.stdout)["workflow_id"]
    workflow = tidegate_json(home, "workflows", "get", workflow_id)
    jobs = workflow["jobs"]
    assert len(jobs) == tasks
    assert sum(len(job["depends_on"]) for job in jobs) == edges
    assert {job["state"] for job in jobs} == {"SUCCEEDED"}
    assert {job["pool"] for job in jobs} == {"ecs"}
    assert not check_order([job_view(job) for job in jobs])
    for job in jobs:
        assert {
            "name",
            "job_id",
            "attempt",
            "ready_at",
            "queued_at",
            "started_at",
            "finished_at",
            "worker",
        } <= set(job)
        assert job["ready_at"] <= job["queued_at"] <= job["started_at"] <= job["finished_at"]


def test_a_made_up_trace(stack: StackInfo, stack_home: Path, tmp_path: Path) -> None:
    assert stack.port
    file = tmp_path / "fork-join.json"
    file.write_text(json.dumps(FORK_JOIN), encoding="utf-8")
    _run(stack_home, file, tasks=4, edges=4)


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the WfFormat samples are not beside the project")
@pytest.mark.parametrize(
    ("sample", "tasks", "edges"),
    [
        ("helloworld-chain-5-chameleon", 5, 4),
        ("helloworld-forkjoin-10-chameleon", 10, 16),
        ("montage-chameleon-2mass-01d-001", 103, 231),
        ("epigenomics-chameleon-hep-2seq-100k-001", 119, 144),
        ("seismology-chameleon-100p-001", 101, 100),
        ("bwa-chameleon-small-001", 104, 400),
        ("cycles-chameleon-1l-1c-9p-001", 67, 97),
        ("sarek-dirt02-001", 26, 50),
        ("scrnaseq-dirt02-001", 14, 17),
    ],
)
def test_every_sample(stack: StackInfo, stack_home: Path, sample: str, tasks: int, edges: int) -> None:
    assert stack.port
    _run(stack_home, SAMPLES / f"{sample}.json", tasks, edges)
