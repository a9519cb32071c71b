"""Runs tidegate: its worker process and a client of its HTTPS API, on the counted stack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from dev.benchmarks.peers.contestants import TIDEGATE
from dev.benchmarks.peers.counted_stack import CountedStack
from dev.benchmarks.peers.measure import Times
from tidegate_cli.client import Client
from tidegate_cli.target import local_target
from tidegate_cli.worker_child import wait_until_registered, worker_children

POOL = "ecs"
_ENDS = ("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED", "SKIPPED")
_PATIENCE_SECONDS = 300.0


def noops(count: int) -> list[dict[str, Any]]:
    """Makes jobs that do nothing."""
    return [{"key": f"job-{n}", "type": "tidegate.noop", "pool": POOL} for n in range(count)]


def chained(count: int) -> list[dict[str, Any]]:
    """Makes jobs that do nothing, each after the one before."""
    jobs = noops(count)
    for before, job in pairwise(jobs):
        job["depends_on"] = [{"key": before["key"]}]
    return jobs


def joined(count: int) -> list[dict[str, Any]]:
    """Makes `count` jobs that do nothing, and one job after all of them."""
    jobs = noops(count + 1)
    jobs[-1]["depends_on"] = [{"key": job["key"]} for job in jobs[:-1]]
    return jobs


@dataclass(slots=True)
class Tidegate:
    """tidegate, with a running worker process."""

    stack: CountedStack
    client: Client
    name: str = TIDEGATE

    def burst(self, count: int) -> Times:
        """Submits a workflow of jobs without dependencies in one call."""
        return self._workflow(noops(count))

    def single_calls(self, count: int) -> Times:
        """Submits each job in one call."""
        body = {"type": "tidegate.noop", "pool": POOL}
        before = self._ended()
        began_s = time.time()
        for _ in range(count):
            self.client.submit_job(body)
        return self._times(began_s, before, count)

    def chain(self, count: int) -> Times:
        """Submits a chain in one call."""
        return self._workflow(chained(count))

    def join(self, count: int) -> Times:
        """Submits a fan-in in one call."""
        return self._workflow(joined(count))

    def _workflow(self, jobs: list[dict[str, Any]]) -> Times:
        before = self._ended()
        began_s = time.time()
        self.client.submit_workflow({"name": "bench", "jobs": jobs})
        return self._times(began_s, before, len(jobs))

    def _times(self, began_s: float, before: int, jobs: int) -> Times:
        enqueued_s = time.time()
        ended_s = self.stack.wait_for(self._table, _ENDS, before + jobs, seconds=_PATIENCE_SECONDS)
        return Times(began_s, enqueued_s, ended_s)

    def _ended(self) -> int:
        ended = self.stack.marks(self._table, _ENDS)
        if ended != self.stack.marks(self._table, _ENDS[:1]):
            raise RuntimeError("a job of the benchmark did not succeed")
        return ended

    @property
    def _table(self) -> str:
        return self.stack.info.environment["TIDEGATE_TABLE_JOBS"]


@contextmanager
def tidegate_on_aws(stack: CountedStack, slots: int, folder: Path) -> Iterator[Tidegate]:
    """Runs a worker process with `slots` slots while the block runs."""
    with (
        worker_children(stack.info, folder, pool=POOL, processes=1, slots=slots) as children,
        Client(local_target(stack.info)) as client,
    ):
        wait_until_registered(stack.info, POOL, children)
        yield Tidegate(stack, client)
