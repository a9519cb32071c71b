"""WfFormat: the recorded samples, if they lie beside the project, and small files made here."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

from dev.simulator.workflows.traces import SAMPLES
from tidegate.domain.graph import topological_order
from tidegate.domain.limits import MAX_KEY_CHARACTERS
from tidegate_cli.documents.wfformat import WfFormatError, is_wfformat, to_workflow

# tasks, edges and the sum of run times in seconds, from the samples' own description
FIGURES = {
    "helloworld-chain-5-chameleon": (5, 4, 501.2),
    "helloworld-forkjoin-10-chameleon": (10, 16, 1_028.7),
    "montage-chameleon-2mass-01d-001": (103, 231, 362.6),
    "epigenomics-chameleon-hep-2seq-100k-001": (119, 144, 2_898.7),
    "seismology-chameleon-100p-001": (101, 100, 71.9),
    "bwa-chameleon-small-001": (104, 400, 380.0),
    "cycles-chameleon-1l-1c-9p-001": (67, 97, 862.7),
    "sarek-dirt02-001": (26, 50, 393.2),
    "scrnaseq-dirt02-001": (14, 17, 1_374.3),
}


def document(
    tasks: list[dict[str, Any]], runtimes: dict[str, Any] | None = None, name: str = "made up"
) -> dict[str, Any]:
    times = runtimes if runtimes is not None else {task["id"]: 60.0 for task in tasks}
    records = [{"id": task_id, "runtimeInSeconds": seconds} for task_id, seconds in times.items()]
    return {
        "name": name,
        "schemaVersion": "1.5",
        "workflow": {"specification": {"tasks": tasks}, "execution": {"tasks": records}},
    }


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the WfFormat samples are not beside the project")
@pytest.mark.parametrize("name", FIGURES)
def test_samples_keep_every_task_edge_and_second(name: str) -> None:
    body = to_workflow(json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8")), speed=10.0)
    tasks, edges, seconds = FIGURES[name]
    jobs = body["jobs"]
    index = {job["key"]: at for at, job in enumerate(jobs)}
    upstreams = [[index[edge["key"]] for edge in job.get("depends_on", [])] for job in jobs]
    assert (len(jobs), len(index), sum(map(len, upstreams))) == (tasks, tasks, edges)
    assert len(topological_order(upstreams)) == tasks
    assert sum(job["parameters"]["seconds"] for job in jobs) * 10 == pytest.approx(seconds, abs=0.1)
    assert max(map(len, index)) <= MAX_KEY_CHARACTERS


def test_a_task_becomes_a_job_that_lasts_its_run_time_divided_by_the_speed() -> None:
    tasks = [{"id": "b", "name": "same", "parents": ["a"]}, {"id": "a", "name": "same", "children": ["b"]}]
    body = to_workflow(document(tasks, {"a": 120, "b": 3.0}), speed=60.0, pool="ecs", priority=7)
    assert body == {
        "name": "made up",
        "pool": "ecs",
        "priority": 7,
        "jobs": [
            {
                "key": "b",
                "name": "same",
                "type": "trace.task",
                "parameters": {"seconds": 0.05},
                "estimated_duration_seconds": 0.05,
                "timeout_seconds": 60,
                "depends_on": [{"key": "a", "type": "MUST_SUCCEED"}],
            },
            {
                "key": "a",
                "name": "same",
                "type": "trace.task",
                "parameters": {"seconds": 2.0},
                "estimated_duration_seconds": 2.0,
                "timeout_seconds": 60,
            },
        ],
    }


@pytest.mark.parametrize("side", ["parents", "children"])
def test_either_side_of_an_edge_is_enough(side: str) -> None:
    own, other = ("b", "a") if side == "parents" else ("a", "b")
    tasks: list[dict[str, Any]] = [{"id": "a"}, {"id": "b"}]
    next(task for task in tasks if task["id"] == own)[side] = [other]
    jobs = to_workflow(document(tasks))["jobs"]
    assert [job.get("depends_on") for job in jobs] == [None, [{"key": "a", "type": "MUST_SUCCEED"}]]


def test_a_task_recorded_with_no_time_still_runs() -> None:
    job = to_workflow(document([{"id": "a"}], {"a": 0}))["jobs"][0]
    assert job["parameters"] == {"seconds": 0.0}
    assert job["timeout_seconds"] == 60


def test_a_long_task_gets_time_beyond_its_run_time() -> None:
    job = to_workflow(document([{"id": "a"}], {"a": 799.87}), speed=1.0)["jobs"][0]
    assert job["timeout_seconds"] == 830


def test_long_ids_get_short_unique_keys() -> None:
    long = "x" * 200
    tasks: list[dict[str, Any]] = [
        {"id": long + "1"},
        {"id": long + "2", "parents": [long + "1"]},
        {"id": "x" * 128},
    ]
    jobs = to_workflow(document(tasks))["jobs"]
    keys = [job["key"] for job in jobs]
    assert len(set(keys)) == 3
    assert [len(key) for key in keys] == [128, 128, 128]
    assert keys[2] == "x" * 128
    assert jobs[1]["depends_on"][0]["key"] == keys[0]
    assert jobs[0]["name"] == long + "1"


def test_only_a_document_with_a_workflow_is_taken_for_wfformat() -> None:
    assert is_wfformat(document([{"id": "a"}]))
    assert not is_wfformat({"jobs": []})
    assert not is_wfformat({"type": "x", "workflow": "y"})
    assert not is_wfformat(["workflow"])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"workflow": {}}, "workflow.specification: is missing"),
        ({"workflow": {"specification": {}}}, "workflow.specification.tasks: is missing"),
        ({"workflow": {"specification": {"tasks": {}}}}, "workflow.specification.tasks: is not a list"),
        (document([]), "workflow.specification.tasks: is empty"),
        (
            document([{"id": "a"}, {"id": ""}], {}),
            "workflow.specification.tasks[1].id: is not a non-empty string",
        ),
        (
            document([{"id": "a"}, {"id": "a"}]),
            "workflow.specification.tasks[1].id: 'a' is also the id of task 0",
        ),
        (document([{"id": "a", "parents": ["z"]}]), "tasks[0].parents[0]: 'z' is not the id of a task"),
        (document([{"id": "a", "parents": "z"}]), "workflow.specification.tasks[0].parents: is not a list"),
        (document([{"id": "a", "children": [1]}]), "tasks[0].children[0]: is not a non-empty string"),
        (document([{"id": "a"}], {}), "workflow.execution.tasks: has no record of task 'a'"),
        (document([{"id": "a"}], {"a": -1}), "workflow.execution.tasks[0].runtimeInSeconds: is not a number"),
        (
            document([{"id": "a"}], {"a": True}),
            "workflow.execution.tasks[0].runtimeInSeconds: is not a number",
        ),
        (document([{"id": "a"}], {"a": math.inf}), "workflow.execution.tasks[0].runtimeInSeconds"),
        (document([{"id": "a"}], {"a": 1e9}), "workflow.specification.tasks[0]: would run 16,666,667 s"),
        (document([{"id": "a", "parents": ["a"]}]), "workflow.specification.tasks: has a cycle: a -> a"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(WfFormatError, match=re.escape(message)):
        to_workflow(broken)


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan, math.inf])
def test_a_speed_must_be_above_nothing(speed: float) -> None:
    with pytest.raises(WfFormatError, match="speed"):
        to_workflow(document([{"id": "a"}]), speed=speed)
