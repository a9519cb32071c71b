"""Runs no-ops through a worker process on a local stack. Measures jobs a second, requests and write units per job."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dev.benchmarks.own_stack import own_stack_info, say
from tidegate.domain.states import State
from tidegate_cli.client import Client
from tidegate_cli.following.usage import Usage, collect_settled, total_of
from tidegate_cli.views import JobView
from tidegate_cli.worker_child import wait_until_registered, worker_children
from tidegate_devstack import StackInfo

POOL = "ecs"
_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 1.0  # seldom, because the same two cores answer each look
_LOOKED_AT = 10
_OF_THE_JOBS = ("dispatcher", "worker process")  # requests of the API serve observers, so they are left out

Row = dict[str, Any]


def on_stack(window: str, slots: int, workloads: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """Runs each workload as one workflow through a worker process of `slots` slots on one stack of its own.

    `window` is the stack's parameter of that name. A row says what a workload gave, from its submission to its end.
    """
    rows = []
    with own_stack_info({"Window": window}) as (info, client, home):
        for name, jobs in workloads.items():
            say(f"{name}: {len(jobs)} jobs, {slots} slots, window {window}")
            found = _run(info, client, home / name, slots, jobs)
            rows.append({"workload": name, "slots": slots, "window": float(window), **found})
    return rows


def _run(info: StackInfo, client: Client, folder: Path, slots: int, jobs: Sequence[Mapping[str, Any]]) -> Row:
    since_ms = int(time.time() * 1_000)
    with worker_children(info, folder, pool=POOL, processes=1, slots=slots) as children:
        wait_until_registered(info, POOL, children)
        submitted_ms = int(time.time() * 1_000)
        workflow_id = client.submit_workflow({"name": "bench", "pool": POOL, "jobs": list(jobs)}).id
        _wait_for_end(client, workflow_id, len(jobs))
    # The worker prints its usage when it has stopped.
    usage = collect_settled(info, since_ms, [child.log for child in children])
    ended = client.get_workflow(workflow_id).jobs
    failed = [job.job_id for job in ended if job.state is not State.SUCCEEDED]
    if failed:
        raise RuntimeError(f"{len(failed)} jobs did not succeed, {failed[0]} for one")
    return {**_speed(ended, submitted_ms), **_cost(usage, len(jobs))}


def _wait_for_end(client: Client, workflow_id: str, jobs: int) -> None:
    """Waits until all jobs have ended. It looks at the last jobs only, because every look costs what is measured."""
    until_s = time.monotonic() + _PATIENCE_SECONDS
    last_place = str(max(0, jobs - _LOOKED_AT))
    while time.monotonic() < until_s:
        time.sleep(_LOOK_SECONDS)
        if not all(job.is_terminal for job in client.workflow_page(workflow_id, last_place).jobs):
            continue
        if client.get_workflow(workflow_id).is_terminal:
            return
    raise TimeoutError(f"workflow {workflow_id} did not end within {_PATIENCE_SECONDS:g} s")


def _speed(jobs: Sequence[JobView], submitted_ms: int) -> Row:
    starts = [job.started_at_ms for job in jobs if job.started_at_ms is not None]
    ends = [job.finished_at_ms for job in jobs if job.finished_at_ms is not None]
    seconds, running_seconds = (max(ends) - submitted_ms) / 1_000, (max(ends) - min(starts)) / 1_000
    return {
        "jobs": len(jobs),
        "seconds": seconds,
        "jobs_per_second": round(len(jobs) / seconds, 1),
        "jobs_per_second_from_first_start": round(len(jobs) / running_seconds, 1),
    }


def _cost(usage: Usage, jobs: int) -> Row:
    total = total_of(usage)
    sqs = sum(count for name, count in total.requests.items() if name.startswith("sqs."))
    return {
        "requests_per_job": round(total.request_count / jobs, 3),
        "sqs_requests_per_job": round(sqs / jobs, 3),
        "write_units_per_job": round(total.write_units / jobs, 3),
        "read_units_per_job": round(
            sum(usage[part].read_units for part in _OF_THE_JOBS if part in usage) / jobs, 3
        ),
        "requests_per_job_by_part": {
            part: {name: round(count / jobs, 3) for name, count in sorted(totals.requests.items())}
            for part, totals in usage.items()
            if totals.requests
        },
    }
