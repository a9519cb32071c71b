"""A large submission that is sent again writes its missing parts, and nothing a second time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.usecases.submit.submit import submit_workflow

ROOTS, LEAVES = 60, 90
PER_TRY = 40


class ShortOfTime(MemoryJobStore):
    """A store that writes `PER_TRY` jobs in each try, and then is out of time."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self.left = PER_TRY
        self.written: list[str] = []

    def stage(self, jobs: Sequence[Job]) -> None:
        super().stage(self._in_time(jobs))
        self._stop_if_over()

    def insert_if_absent(self, jobs: Sequence[Job]) -> tuple[str, ...]:
        existing = super().insert_if_absent(self._in_time(jobs))
        self._stop_if_over()
        return existing

    def _in_time(self, jobs: Sequence[Job]) -> Sequence[Job]:
        taken = jobs[: self.left]
        self.left -= len(jobs)
        self.written += [job.job_id for job in taken]
        return taken

    def _stop_if_over(self) -> None:
        if self.left < 0:
            self.left = PER_TRY
            raise ServiceUnavailable("the time is over")


def _submit(services: Services) -> None:
    up = DependencyRequest(key="r0")
    roots = [JobRequest(key=f"r{place}", type="tidegate.noop") for place in range(ROOTS)]
    leaves = [JobRequest(key=f"l{place}", type="tidegate.noop", depends_on=(up,)) for place in range(LEAVES)]
    request = WorkflowRequest(jobs=(*roots, *leaves))
    submit_workflow(services, request, idempotency_key="k", fingerprint="f", now_ms=NOW_MS)


def test_each_try_goes_on_where_the_last_one_stopped() -> None:
    services, world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))
    store = ShortOfTime(world)
    services = replace(services, jobs=store)
    tries = 0
    while tries < 20:
        tries += 1
        try:
            _submit(services)
            break
        except ServiceUnavailable:
            continue
    else:
        pytest.fail("it never came to its end")
    assert len(world.jobs) == ROOTS + LEAVES
    assert len(store.written) == len(set(store.written)) == ROOTS + LEAVES
    assert tries == 4
