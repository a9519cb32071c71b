"""Invented answers of the API: jobs, workflows, and an API that answers from a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx
from botocore.credentials import Credentials

from tidegate_cli.client import Client
from tidegate_cli.target import Target
from tidegate_cli.views import JobView, format_time, job_view

WORKFLOW = "01JD3V8Q5S2Y6W9K4M7N0P1R2T"
BEGIN_MS = 1_800_000_000_000
API_URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/live"

Handler = Callable[[httpx.Request], httpx.Response]


def job_json(
    index: int,
    state: str = "SUCCEEDED",
    *,
    started: float | None = None,
    finished: float | None = None,
    ready: float = 0.0,
    upstreams: Sequence[tuple[int, str]] = (),
    **changes: Any,
) -> dict[str, Any]:
    """Makes a job as the API shows it. Times are seconds after the beginning."""
    raw = {
        "job_id": f"{WORKFLOW}.{index}",
        "workflow_id": WORKFLOW,
        "key": f"k{index}",
        "name": f"job {index}",
        "type": "trace.task",
        "state": state,
        "priority": 100,
        "effective_priority": 100.0,
        "pool": "lambda",
        "attempt": 0 if started is None else 1,
        "worker": None if started is None else "worker-1",
        "depends_on": [
            {"job_id": f"{WORKFLOW}.{at}", "key": f"k{at}", "type": kind} for at, kind in upstreams
        ],
        "waiting_on_count": 0,
        "created_at": _at(0.0),
        "ready_at": _at(ready),
        "queued_at": _at(ready),
        "started_at": _at(started),
        "began_at": _at(started),
        "finished_at": _at(finished),
        "estimated_duration_seconds": None,
        "actual_duration_seconds": None if started is None or finished is None else finished - started,
        "progress": None,
        "error": None,
        "history": [],
    }
    return {**raw, **changes}


def job(index: int, state: str = "SUCCEEDED", **fields: Any) -> JobView:
    """Makes the same job as the client reads it."""
    return job_view(job_json(index, state, **fields))


def workflow_json(jobs: Sequence[dict[str, Any]], cursor: str | None = None) -> dict[str, Any]:
    """Makes a page of a workflow."""
    return {"workflow_id": WORKFLOW, "name": "flow", "jobs": list(jobs), "cursor": cursor}


def target() -> Target:
    """Makes the address of an API."""
    return Target(API_URL, "eu-west-1", Credentials("AKIDEXAMPLE", "secret"))


def client_of(handler: Handler, pauses: list[float] | None = None) -> Client:
    """Makes a client whose requests `handler` answers. It notes in `pauses` the seconds that it would have slept."""
    noted = pauses if pauses is not None else []
    return Client(target(), transport=httpx.MockTransport(handler), sleep=noted.append)


def _at(seconds: float | None) -> str | None:
    return None if seconds is None else format_time(BEGIN_MS + round(seconds * 1_000))
