"""Turns a recorded workflow in WfCommons' WfFormat (schema 1.5) into a workflow of tidegate."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

from tidegate.domain import limits
from tidegate.domain.errors import Violation
from tidegate.domain.graph import find_cycle
from tidegate_cli.errors import UsageError

TASK_TYPE = "trace.task"
_SPARE_SECONDS = 30  # a task may take so much longer than its replayed run time before it times out
_MIN_TIMEOUT_SECONDS = 60
_DIGEST_CHARACTERS = 16


class WfFormatError(UsageError):
    """An error in a WfFormat file. `place` names the part of the file, such as workflow.specification.tasks[3]."""

    code = "wfformat"

    def __init__(self, place: str, message: str) -> None:
        self.place = place
        super().__init__(f"{place}: {message}", violations=[Violation(place, message)])


def is_wfformat(document: object) -> bool:
    """True if a JSON document has an object `workflow` without `jobs`.

    WfFormat has one. Of tidegate's own documents only a timetable has such an object, which then has jobs.
    """
    workflow = document.get("workflow") if isinstance(document, Mapping) else None
    return isinstance(workflow, Mapping) and "jobs" not in workflow


def to_workflow(
    document: object, *, speed: float = 60.0, pool: str | None = None, priority: int | None = None
) -> dict[str, Any]:
    """Returns the body of POST /v1/workflows that replays a recorded workflow `speed` times as fast (above 0).

    Each task becomes a job that lasts its recorded run time divided by `speed`. That is also its estimate. The job
    depends on its parents with MUST_SUCCEED. `pool` and `priority` hold for all jobs. Raises WfFormatError if the
    document is not valid, or a task would run longer than a job may.
    """
    if not (math.isfinite(speed) and speed > 0):
        raise WfFormatError(
            "speed", f"is {speed}; a number above 0 is needed, 60 replays a minute in a second"
        )
    root = _object(document, "document")
    workflow = _object(root.get("workflow"), "workflow")
    place = "workflow.specification.tasks"
    tasks = _list(_object(workflow.get("specification"), "workflow.specification").get("tasks"), place)
    if not tasks:
        raise WfFormatError(place, "is empty; a workflow has at least one task")
    index_by_id = _index_by_id(tasks, place)
    runtimes = _runtimes(workflow)
    parents = _parents(tasks, index_by_id, place)
    keys = _keys(tuple(index_by_id))
    jobs = []
    for index, (task_id, task) in enumerate(zip(index_by_id, tasks, strict=True)):
        if task_id not in runtimes:
            raise WfFormatError("workflow.execution.tasks", f"has no record of task {task_id!r}")
        seconds = round(runtimes[task_id] / speed, 6)
        name = task.get("name")
        job: dict[str, Any] = {
            "key": keys[index],
            "name": (name if isinstance(name, str) and name else task_id)[: limits.MAX_NAME_CHARACTERS],
            "type": TASK_TYPE,
            "parameters": {"seconds": seconds},
            "estimated_duration_seconds": seconds,
            "timeout_seconds": _timeout_seconds(seconds, f"{place}[{index}]"),
        }
        if parents[index]:
            job["depends_on"] = [{"key": keys[parent], "type": "MUST_SUCCEED"} for parent in parents[index]]
        jobs.append(job)
    body: dict[str, Any] = {"jobs": jobs}
    name = root.get("name")
    if isinstance(name, str) and name:
        body["name"] = name[: limits.MAX_NAME_CHARACTERS]
    if pool is not None:
        body["pool"] = pool
    if priority is not None:
        body["priority"] = priority
    return body


def _object(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WfFormatError(place, "is missing" if value is None else "is not an object")
    return value


def _list(value: object, place: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise WfFormatError(place, "is missing" if value is None else "is not a list")
    return value


def _id(value: object, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise WfFormatError(place, "is missing" if value is None else "is not a non-empty string")
    return value


def _index_by_id(tasks: Sequence[Any], place: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, task in enumerate(tasks):
        task_id = _id(_object(task, f"{place}[{index}]").get("id"), f"{place}[{index}].id")
        if task_id in found:
            raise WfFormatError(
                f"{place}[{index}].id", f"{task_id!r} is also the id of task {found[task_id]}"
            )
        found[task_id] = index
    return found


def _runtimes(workflow: Mapping[str, Any]) -> dict[str, float]:
    place = "workflow.execution.tasks"
    records = _list(_object(workflow.get("execution"), "workflow.execution").get("tasks"), place)
    found: dict[str, float] = {}
    for index, record in enumerate(records):
        task_id = _id(_object(record, f"{place}[{index}]").get("id"), f"{place}[{index}].id")
        seconds = record.get("runtimeInSeconds")
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not is_number or not math.isfinite(seconds) or seconds < 0:
            raise WfFormatError(f"{place}[{index}].runtimeInSeconds", "is not a number of seconds, 0 or more")
        if task_id in found:
            raise WfFormatError(f"{place}[{index}].id", f"{task_id!r} has a record already")
        found[task_id] = float(seconds)
    return found


def _parents(tasks: Sequence[Any], index_by_id: Mapping[str, int], place: str) -> list[list[int]]:
    """Returns, for each task, the indexes of the tasks that it waits for.

    The format states every edge twice, at the parent and at the child. An edge that is stated once counts too.
    """
    edges: list[dict[int, None]] = [{} for _ in tasks]  # a dict keeps the order, unlike a set
    for index, task in enumerate(tasks):
        for side in ("parents", "children"):
            named = task.get(side)
            for at, other_id in enumerate(_list([] if named is None else named, f"{place}[{index}].{side}")):
                where = f"{place}[{index}].{side}[{at}]"
                other = index_by_id.get(_id(other_id, where))
                if other is None:
                    raise WfFormatError(where, f"{other_id!r} is not the id of a task")
                parent, child = (other, index) if side == "parents" else (index, other)
                edges[child][parent] = None
    parents = [list(found) for found in edges]
    cycle = find_cycle(parents)
    if cycle is not None:
        ids = tuple(index_by_id)
        raise WfFormatError(place, "has a cycle: " + " -> ".join(ids[index] for index in cycle))
    return parents


def _keys(ids: Sequence[str]) -> list[str]:
    """Returns a unique key for each task id: the id itself, or, if it is too long, its beginning with a digest."""
    taken = {task_id for task_id in ids if len(task_id) <= limits.MAX_KEY_CHARACTERS}
    keys = []
    for task_id in ids:
        key = task_id if task_id in taken else _shortened(task_id, taken)
        taken.add(key)
        keys.append(key)
    return keys


def _shortened(task_id: str, taken: Set[str]) -> str:
    head = task_id[: limits.MAX_KEY_CHARACTERS - _DIGEST_CHARACTERS - 1]
    for salt in range(len(taken) + 1):  # there are more candidates than keys, so one is free
        key = f"{head}-{hashlib.sha256(f'{salt} {task_id}'.encode()).hexdigest()[:_DIGEST_CHARACTERS]}"
        if key not in taken:
            return key
    raise WfFormatError("workflow.specification.tasks", f"no free key for {task_id!r}; rename the task")


def _timeout_seconds(seconds: float, place: str) -> int:
    timeout = max(_MIN_TIMEOUT_SECONDS, math.ceil(seconds) + _SPARE_SECONDS)
    if timeout > limits.MAX_TIMEOUT_SECONDS:
        raise WfFormatError(
            place,
            f"would run {seconds:,.0f} s, but a job may take {limits.MAX_TIMEOUT_SECONDS:,} s at most: raise the speed",
        )
    return timeout
