"""Listings by filters over every index; `tests/usecases/test_find_jobs.py` has all filters and orders over memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, SHARDS, Stores
from tidegate.domain.job import HistoryEntry, Job, JobFailure
from tidegate.domain.job_query import ALL_STATES, JobQuery, Order, moment_of
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.read.find_jobs import find_jobs
from tidegate.usecases.services import Services

LATER_MS = NOW_MS + 1_000_000
PER_STATE = 4
STATES = (State.PENDING, State.READY, State.RUNNING, State.FAILED)


@pytest.fixture
def services(stores: Stores) -> Services:
    plain, _ = make_services(make_settings(function_pool(POOL, 1), shards=SHARDS), seed=1)
    return replace(
        plain, jobs=stores.jobs, index=stores.index, lanes=stores.lanes, submissions=stores.submissions
    )


def _job(state: State, number: int) -> Job:
    at_ms = NOW_MS + 1_000 * (number // 2)  # two at one moment
    return new_job(
        f"{state}-{number}",
        state=state,
        name=f"{'nightly' if number % 2 else 'hourly'}-{number}",
        priority=100 + 10 * (number % 3),
        created_at_ms=at_ms,
        ready_at_ms=None if state is State.PENDING else at_ms,
        queued_at_ms=at_ms,
        started_at_ms=at_ms,
        finished_at_ms=at_ms if state is State.FAILED else None,
        tags={"team": "data" if number % 2 else "web"},
        submitted_by="arn:aws:iam::1:role/ann" if number % 2 else None,
        estimated_duration_seconds=500.5 if number % 2 else None,
        failure=JobFailure("oom", "") if state is State.FAILED else None,
        history=(HistoryEntry(at_ms, state, 1, "test"),),
    )


@pytest.fixture
def made(services: Services) -> Mapping[str, Job]:
    jobs = [_job(state, number) for state in STATES for number in range(PER_STATE)]
    services.jobs.insert_if_absent(jobs)
    return {job.job_id: job for job in jobs}


def _walk(services: Services, query: JobQuery, limit: int) -> list[Job]:
    found: list[Job] = []
    cursor = None
    for _ in range(100):
        page = find_jobs(services, query, cursor=cursor, limit=limit, now_ms=LATER_MS)
        found += page.jobs
        cursor = page.cursor
        if cursor is None:
            return found
    pytest.fail("the listing goes on for ever")


QUERIES: list[dict[str, Any]] = [
    {"states": ALL_STATES},
    {"states": (State.QUEUED, State.READY)},
    {"tags": {"team": "data"}, "name_prefix": "night"},
    {"states": (State.FAILED,), "error_code": "oom", "submitted_by": "arn:aws:iam::1:role/ann"},
    {"states": (State.FAILED, State.PENDING), "from_ms": NOW_MS + 1_000},
    {"states": (State.FAILED, State.PENDING), "to_ms": NOW_MS + 500},
    {"states": STATES, "order": Order.TIME, "from_ms": NOW_MS, "to_ms": NOW_MS + 1_000},
    {"overdue": True},
]


def test_each_job_that_fits_is_listed_once(services: Services, made: Mapping[str, Job]) -> None:
    for filters in QUERIES:
        query = JobQuery(**filters)
        expected = [job_id for job_id, job in made.items() if query.fits(job, LATER_MS)]
        for limit in (2, 200):
            found = _walk(services, query, limit)
            assert sorted(job.job_id for job in found) == sorted(expected), (filters, limit)


@pytest.mark.parametrize("order", list(Order))
def test_every_state_is_listed_in_every_order(
    services: Services, made: Mapping[str, Job], order: Order
) -> None:
    for state in (State.READY, State.PENDING, State.FAILED):
        for descending in (True, False):
            query = JobQuery(states=(state,), order=order, descending=descending)
            found = _walk(services, query, 3)
            assert len({job.job_id for job in found}) == len(found) == PER_STATE
            values = [job.priority if order is Order.PRIORITY else moment_of(job) for job in found]
            assert values == sorted(values, reverse=descending)
    assert made


def test_many_submissions_are_read_at_once(services: Services) -> None:
    ids = [f"{number:026}" for number in range(6)]
    phases = {
        workflow_id: Phase.COMPLETE if number % 2 else Phase.STAGING for number, workflow_id in enumerate(ids)
    }
    for workflow_id, phase in phases.items():
        services.submissions.begin_if_absent(
            Submission(
                submission_id=workflow_id, phase=phase, job_count=1, fingerprint="f", created_at_ms=NOW_MS
            )
        )
    read = services.submissions.get_many([*ids, "unknown"])
    assert {each: found.phase for each, found in read.items()} == phases
    assert services.submissions.get_many([]) == {}


def test_an_entry_carries_what_filters_look_at(services: Services, made: Mapping[str, Job]) -> None:
    for state in STATES:
        groups = JobQuery(states=(state,)).groups
        pages = [
            page for group in groups for page in services.index.first_pages(POOL, group, limit=100).values()
        ]
        entries = [entry for page in pages for entry in page.entries]
        assert len(entries) == PER_STATE
        for entry in entries:
            assert entry.read_indexed is not None
            assert entry.read_indexed() == made[entry.job_id].indexed
