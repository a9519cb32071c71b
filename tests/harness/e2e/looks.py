"""Looks at jobs, workflows and workers of a stack by its API, from this process.

A command takes a second of a processor to start, and several seconds while others start too. A loop of commands would
keep the machine busy, and may miss a state that lasts for a few seconds only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tidegate_cli.client import Client
from tidegate_cli.target import local_target
from tidegate_devstack.model import read_info
from tidegate_devstack.places import Places

PATIENCE_SECONDS = 90
_LOOK_SECONDS = 0.2


@contextmanager
def api(home: Path) -> Iterator[Client]:
    """Returns a client of the stack in `home` with its root key's rights."""
    info = read_info(Places.find(home).stack_info)
    assert info is not None, f"no stack is up in {home}"
    with Client(local_target(info)) as client:
        yield client


def becomes(read: Callable[[], Any], wanted: object) -> None:
    """Waits, with a time limit, until `read` returns the wanted value."""
    becomes_one_of(read, [wanted])


def becomes_one_of(read: Callable[[], Any], wanted: Collection[object]) -> None:
    """Waits, with a time limit, until `read` returns one of the wanted values."""
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while (found := read()) not in wanted:
        assert time.monotonic() < deadline_s, found
        time.sleep(_LOOK_SECONDS)


def job(home: Path, job_id: str) -> Mapping[str, Any]:
    """Returns a job as the API shows it."""
    with api(home) as client:
        return client.get_job(job_id).raw


def job_state(home: Path, job_id: str) -> Callable[[], str]:
    """Returns a function that reads the state of a job."""
    return lambda: str(job(home, job_id)["state"])


def workflow_states(home: Path, workflow_id: str) -> list[str]:
    """Returns the states of a workflow's jobs in the order in which they were submitted."""
    with api(home) as client:
        return [str(each.state) for each in client.get_workflow(workflow_id).jobs]


def worker_state(home: Path, worker_id: str) -> Callable[[], str | None]:
    """Returns a function that reads the state of a worker process of pool ecs; None if there is no such worker."""

    def read() -> str | None:
        with api(home) as client:
            listed = client.list_workers(pool="ecs", limit=1_000)
        return next((str(each["state"]) for each in listed if each["worker_id"] == worker_id), None)

    return read
