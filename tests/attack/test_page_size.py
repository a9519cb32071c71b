"""A page of the largest jobs that callers can send fits into an answer, and the pages leave out no job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from dev.simulator.memory.seeded import JOB_TYPE
from tests.attack.test_memory import MEGABYTE, NOW_MS, World
from tests.harness.usecases.listing import list_jobs
from tidegate.contracts.responses import job_out
from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.rank import RankPolicy
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.read.query import get_workflow
from tidegate.usecases.submit.submit import submit_workflow


@pytest.fixture
def world() -> World:
    return World()


def listed_in_pages(world: World, workflow_id: str | None) -> Iterator[Sequence[Job]]:
    cursor: str | None = None
    while True:
        if workflow_id is None:
            jobs, cursor = _page_of_state(world, cursor)
        else:
            page = get_workflow(world.services, workflow_id, cursor=cursor, limit=limits.MAX_PAGE_SIZE)
            jobs, cursor = page.jobs, page.cursor
        yield jobs
        if cursor is None:
            return


def _page_of_state(world: World, cursor: str | None) -> tuple[Sequence[Job], str | None]:
    page = list_jobs(world.services, State.READY, pool=None, cursor=cursor, limit=limits.MAX_PAGE_SIZE)
    return page.jobs, page.cursor


@pytest.mark.parametrize("by_state", [True, False])
def test_a_page_of_the_largest_jobs_fits_into_an_answer_and_no_job_is_left_out(
    world: World, *, by_state: bool
) -> None:
    quotes = {"x": '"' * ((limits.MAX_PARAMETERS_BYTES - len('{"x":""}')) // 2)}
    requests = tuple(JobRequest(type=JOB_TYPE, key=str(n), parameters=quotes) for n in range(40))
    accepted = submit_workflow(
        world.services, WorkflowRequest(jobs=requests), idempotency_key=None, fingerprint="", now_ms=NOW_MS
    )
    seen: list[str] = []
    world.jobs.forget()
    for jobs in listed_in_pages(world, None if by_state else accepted.workflow_id):
        body = json.dumps({"jobs": [job_out(job, RankPolicy(), NOW_MS) for job in jobs]})
        assert len(json.dumps({"statusCode": 200, "body": body}).encode()) < 6 * MEGABYTE
        assert jobs
        seen += [job.job_id for job in jobs]
    assert sorted(seen) == sorted(world.world.jobs)
    assert world.jobs.most_inputs <= 10
