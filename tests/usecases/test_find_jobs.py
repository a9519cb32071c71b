"""Listings by filters: each job that fits once, in the order asked for, at a bounded cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, SHARDS, memory_stores
from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.job import HistoryEntry, Job, JobFailure
from tidegate.domain.job_query import ALL_STATES, WAITING_OR_RUNNING, JobQuery, Order, moment_of
from tidegate.domain.outside import Outside
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.usecases.read import find_jobs as module
from tidegate.usecases.read.find_jobs import find_jobs
from tidegate.usecases.read.query import list_jobs
from tidegate.usecases.services import Services

LATER_MS = NOW_MS + 1_000_000
PER_STATE = 8


@pytest.fixture
def services() -> Services:
    plain, _ = make_services(make_settings(function_pool(POOL, 1), shards=SHARDS), seed=1)
    stores = memory_stores()
    return replace(
        plain, jobs=stores.jobs, index=stores.index, lanes=stores.lanes, submissions=stores.submissions
    )


def _job(state: State, number: int, **changes: Any) -> Job:
    at_ms = NOW_MS + 1_000 * (number // 2)  # two at one moment
    ended = state in ALL_STATES[5:]
    failed = state in (State.FAILED, State.TIMED_OUT)
    values: dict[str, Any] = {
        "state": state,
        "name": f"{'nightly' if number % 2 else 'hourly'}-{number}",
        "priority": 100 + 10 * (number % 4),
        "created_at_ms": at_ms,
        "due_at_ms": at_ms if state is State.SCHEDULED else None,
        "ready_at_ms": None if state in (State.PENDING, State.SCHEDULED) else at_ms,
        "queued_at_ms": at_ms,
        "started_at_ms": at_ms if state is State.RUNNING or ended else None,
        "finished_at_ms": at_ms if ended else None,
        "worker_id": f"w{number % 3}",
        "tags": {"team": "data" if number % 2 else "web", "n": str(number)},
        "estimated_duration_seconds": 500.0 if number % 2 else None,
        "finish_by_ms": NOW_MS + 25_000 * number if number % 2 else None,
        "judgements": (Judgement(NOW_MS, FinishVerdict.AT_RISK, 0.25),) if number % 2 else (),
        "failure": JobFailure("oom" if number % 2 else "timeout", "") if failed else None,
        "history": (HistoryEntry(at_ms, state, 1, "test"),),
    }
    return new_job(**{"job_id": f"{state}-{number}", **values, **changes})


@pytest.fixture
def made(services: Services) -> Mapping[str, Job]:
    jobs = [_job(state, number) for state in State for number in range(PER_STATE)]
    services.jobs.insert_if_absent(jobs)
    return {job.job_id: job for job in jobs}


def _walk(services: Services, query: JobQuery, limit: int, *, at_most: int = 500) -> list[Job]:
    found: list[Job] = []
    cursor = None
    for _ in range(at_most):
        page = find_jobs(services, query, cursor=cursor, limit=limit, now_ms=LATER_MS)
        assert len(page.jobs) <= limit
        assert len(page.jobs) <= page.looked_at <= module.LOOKED_AT_MOST
        found += page.jobs
        cursor = page.cursor
        if cursor is None:
            return found
    pytest.fail("the listing goes on for ever")


QUERIES: dict[str, dict[str, Any]] = {
    "the states that wait or run": {},
    "one state": {"states": (State.FAILED,)},
    "QUEUED without RUNNING": {"states": (State.QUEUED,)},
    "several states": {"states": (State.TIMED_OUT, State.READY, State.PENDING)},
    "all states": {"states": ALL_STATES},
    "a pool": {"pool": POOL},
    "another type": {"type": "nothing"},
    "a beginning of the id": {"states": ALL_STATES, "id_prefix": "FAILED-"},
    "a worker": {"states": ALL_STATES, "worker_id": "w1"},
    "a tag": {"tags": {"team": "data"}},
    "two tags": {"tags": {"team": "data", "n": "3"}},
    "a beginning of the name": {"name_prefix": "night"},
    "a key": {"key_prefix": "x"},
    "an error": {"states": ALL_STATES, "error_code": "oom"},
    "from": {"states": (State.FAILED, State.PENDING, State.READY), "from_ms": NOW_MS + 2_000},
    "to": {"states": (State.FAILED, State.PENDING, State.READY), "to_ms": NOW_MS + 1_000},
    "a moment": {"states": ALL_STATES, "from_ms": NOW_MS + 1_000, "to_ms": NOW_MS + 2_000},
    "a time to finish by": {"states": ALL_STATES, "finish_by_ms": NOW_MS + 50_000},
    "a verdict": {"states": ALL_STATES, "verdict": FinishVerdict.AT_RISK},
    "overdue": {"states": ALL_STATES, "overdue": True},
    "a long wait": {"waits_longer_than_ms": 1_000_000 - 2_000},
    "all at once": {
        "states": ALL_STATES,
        "tags": {"team": "data"},
        "worker_id": "w1",
        "name_prefix": "night",
    },
}


@pytest.mark.parametrize("limit", [1, 5, 200])
@pytest.mark.parametrize("filters", QUERIES.values(), ids=QUERIES)
def test_each_job_that_fits_is_listed_once(
    services: Services, made: Mapping[str, Job], filters: dict[str, Any], limit: int
) -> None:
    query = JobQuery(**filters)
    found = _walk(services, query, limit)
    expected = [job_id for job_id, job in made.items() if query.fits(job, LATER_MS)]
    assert sorted(job.job_id for job in found) == sorted(expected)
    groups = [query.groups.index(next(g for g in query.groups if g == _group(job))) for job in found]
    assert groups == sorted(groups), "state after state"


def _group(job: Job) -> str:
    return "ACTIVE" if job.state in (State.QUEUED, State.RUNNING) else str(job.state)


@pytest.mark.parametrize("descending", [None, True, False])
@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("state", [State.READY, State.PENDING, State.FAILED, State.RUNNING])
def test_every_state_is_listed_in_every_order(
    services: Services, made: Mapping[str, Job], state: State, order: Order, descending: bool | None
) -> None:
    query = JobQuery(states=(state,), order=order, descending=descending)
    found = _walk(services, query, 3)
    assert sorted(job.job_id for job in found) == sorted(
        job_id for job_id, job in made.items() if job.state is state
    )
    values = [job.priority if order is Order.PRIORITY else moment_of(job) for job in found]
    is_falling = descending if descending is not None else order is Order.PRIORITY or state is State.FAILED
    assert values == sorted(values, reverse=is_falling)


def test_ended_jobs_of_several_states_are_merged_by_time(services: Services, made: Mapping[str, Job]) -> None:
    ended = (State.SUCCEEDED, State.FAILED, State.SKIPPED)
    found = _walk(services, JobQuery(states=ended, order=Order.TIME), 5)
    assert [moment_of(job) for job in found] == sorted(
        (moment_of(job) for job in made.values() if job.state in ended), reverse=True
    )
    assert len({job.state for job in found[:6]}) == 3


def test_a_page_looks_at_a_bounded_number_and_says_how_far_it_got(
    services: Services, made: Mapping[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made
    monkeypatch.setattr(module, "LOOKED_AT_MOST", 5)
    query = JobQuery(states=ALL_STATES, tags={"team": "none"})
    cursor, looked_at, pages = None, 0, 0
    while True:
        page = find_jobs(services, query, cursor=cursor, limit=3, now_ms=LATER_MS)
        assert page.jobs == ()
        assert page.looked_at <= 5
        looked_at, pages, cursor = looked_at + page.looked_at, pages + 1, page.cursor
        if cursor is None:
            break
    assert looked_at == len(State) * PER_STATE
    assert pages >= looked_at // 5


@pytest.mark.parametrize("states", [(State.PENDING,), (State.READY,), (State.READY, State.FAILED)])
def test_an_order_that_the_index_lacks_holds_among_the_jobs_that_one_page_looks_at(
    services: Services, made: Mapping[str, Job], states: tuple[State, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT_MOST", 5)
    query = JobQuery(states=states, order=Order.PRIORITY, descending=False)
    found = _walk(services, query, 2)
    assert sorted(job.job_id for job in found) == sorted(
        job_id for job_id, job in made.items() if job.state in states
    )
    first = [job.priority for job in found[:5]]
    assert first == sorted(first)


def test_a_cursor_holds_for_its_own_query_only(services: Services, made: Mapping[str, Job]) -> None:
    assert made
    cursor = find_jobs(services, JobQuery(), cursor=None, limit=1, now_ms=LATER_MS).cursor
    assert cursor is not None
    for other in (JobQuery(type="text.count"), JobQuery(tags={"a": "b"}), JobQuery(states=(State.READY,))):
        with pytest.raises(InvalidRequest) as refused:
            find_jobs(services, other, cursor=cursor, limit=1, now_ms=LATER_MS)
        assert [violation.field for violation in refused.value.violations] == ["cursor"]
    assert find_jobs(services, JobQuery(), cursor=cursor, limit=1, now_ms=LATER_MS).jobs


WORKFLOW = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"


def _submission(phase: Phase, workflow_id: str = WORKFLOW) -> Submission:
    return Submission(
        submission_id=workflow_id, phase=phase, job_count=7, fingerprint="f", created_at_ms=NOW_MS
    )


@pytest.mark.parametrize("order", [None, *Order])
def test_the_jobs_of_one_workflow_are_listed_by_the_same_filters(
    services: Services, order: Order | None
) -> None:
    services.submissions.begin_if_absent(_submission(Phase.COMPLETE))
    states = [
        State.SUCCEEDED,
        State.FAILED,
        State.RUNNING,
        State.READY,
        State.PENDING,
        State.FAILED,
        State.QUEUED,
    ]
    jobs = [
        _job(state, number, job_id=f"{WORKFLOW}.{number}", key=f"k{number}")
        for number, state in enumerate(states)
    ]
    services.jobs.insert_if_absent(jobs)
    query = JobQuery(states=ALL_STATES, workflow_id=WORKFLOW, order=order)
    found = _walk(services, query, 2)
    assert sorted(job.job_id for job in found) == [job.job_id for job in jobs]
    if order is None:
        assert [job.key for job in found] == [f"k{number}" for number in range(7)]
    elif order is Order.PRIORITY:
        assert [-job.priority for job in found] == sorted(-job.priority for job in found)
    else:
        assert [moment_of(job) for job in found] == sorted(moment_of(job) for job in found)
    narrowed = replace(query, states=WAITING_OR_RUNNING, key_prefix="k3")
    assert [job.key for job in _walk(services, narrowed, 2)] == ["k3"]
    with pytest.raises(NotFound):
        find_jobs(services, JobQuery(workflow_id="0" * 26), cursor=None, limit=1, now_ms=LATER_MS)


def test_the_jobs_of_workflows_that_are_not_accepted_are_hidden_by_one_read(services: Services) -> None:
    ids = [f"{number:026}" for number in range(6)]
    for number, workflow_id in enumerate(ids):
        phase = Phase.COMPLETE if number % 2 else Phase.STAGING
        services.submissions.begin_if_absent(_submission(phase, workflow_id))
    services.jobs.insert_if_absent(
        [_job(State.PENDING, number, job_id=f"{workflow_id}.0") for number, workflow_id in enumerate(ids)]
    )
    found = _walk(services, JobQuery(states=(State.PENDING,)), 200)
    assert sorted(job.job_id for job in found) == [f"{workflow_id}.0" for workflow_id in ids[1::2]]
    read = services.submissions.get_many([*ids, "unknown"])
    assert {each: found.phase for each, found in read.items()} == {
        workflow_id: Phase.COMPLETE if number % 2 else Phase.STAGING for number, workflow_id in enumerate(ids)
    }


@pytest.mark.parametrize("state", [state for state in State if state is not State.READY])
@pytest.mark.parametrize("whole", [False, True])
def test_a_page_of_a_hundred_jobs_of_one_pool_costs_three_calls_at_two_shards(
    state: State, whole: bool
) -> None:
    services, world = make_services(make_settings(function_pool(POOL, 1), shards=2), seed=1)
    services.jobs.insert_if_absent([_job(state, number) for number in range(150)])
    # QUEUED and RUNNING share a group, which lists both without a look at any job in vain.
    states = (State.QUEUED, State.RUNNING) if state in (State.QUEUED, State.RUNNING) else (state,)
    query = JobQuery(states=states, pool=POOL)
    # Jobs outside are RUNNING too. They follow the others as those of a further state would, and an index has no query
    # over two groups, so the page that comes to the end of the others looks for them.
    queries_of_last = 4 if State.RUNNING in states else 2
    _assert_pages(services, world, query, [(100, 2, 1), (50, queries_of_last, 1)], whole=whole)


def _assert_pages(
    services: Services,
    world: MemoryWorld,
    query: JobQuery,
    pages: Sequence[tuple[int, int, int]],
    *,
    whole: bool = False,
) -> list[Job]:
    """Walks the pages of a listing, each of so many jobs for so many queries and reads; returns the jobs."""
    cursor: str | None = None
    found: list[Job] = []
    for count, queries, reads in pages:
        world.requests.clear()
        page = list_jobs(services, query, cursor=cursor, limit=100, now_ms=LATER_MS, whole=whole)
        cursor = page.cursor
        found += page.jobs
        assert len(page.jobs) == page.looked_at == count
        assert world.requests == {"page": queries, "get_many": reads}
    assert cursor is None
    return found


@pytest.mark.parametrize("states", [(State.RUNNING,), (State.QUEUED, State.RUNNING)])
def test_jobs_outside_follow_those_in_workers_and_cost_as_much(states: tuple[State, ...]) -> None:
    services, world = make_services(make_settings(function_pool(POOL, 1), shards=2), seed=1)
    inside = [_job(State.RUNNING, number) for number in range(150)]
    outside = [
        _job(
            State.RUNNING,
            number,
            job_id=f"outside-{number}",
            lease_expires_at_ms=LATER_MS + number,
            outside=Outside(1, "digest", NOW_MS, 1_000, LATER_MS),
        )
        for number in range(160)
    ]
    services.jobs.insert_if_absent([*outside, *inside])
    query = JobQuery(states=states, pool=POOL)
    found = _assert_pages(services, world, query, [(100, 2, 1), (100, 4, 2), (100, 2, 1), (10, 2, 1)])
    assert sorted(found[:150], key=lambda job: job.job_id) == sorted(inside, key=lambda job: job.job_id)
    assert found[150:] == outside, "by the ends of their leases"


def test_a_listing_of_queued_jobs_does_not_look_outside() -> None:
    services, world = make_services(make_settings(function_pool(POOL, 1), shards=2), seed=1)
    services.jobs.insert_if_absent([_job(State.QUEUED, number) for number in range(50)])
    _assert_pages(services, world, JobQuery(states=(State.QUEUED,), pool=POOL), [(50, 2, 1)])


def test_a_page_of_ready_jobs_costs_a_query_for_each_shard_and_lane() -> None:
    services, world = make_services(make_settings(function_pool(POOL, 1), shards=2), seed=1)
    services.jobs.insert_if_absent([_job(State.READY, number) for number in range(150)])
    world.requests.clear()
    page = list_jobs(
        services, JobQuery(states=(State.READY,), pool=POOL), cursor=None, limit=100, now_ms=LATER_MS
    )
    assert len(page.jobs) == 100
    assert world.requests["page"] == 2
    assert world.requests["get_many"] == 1


def test_a_filter_that_only_jobs_tell_costs_a_read_for_each_hundred_looked_at() -> None:
    services, world = make_services(make_settings(function_pool(POOL, 1), shards=2), seed=1)
    services.jobs.insert_if_absent([_job(State.FAILED, number) for number in range(1_200)])
    world.requests.clear()
    query = JobQuery(states=(State.FAILED,), pool=POOL, tags={"team": "none"})
    page = find_jobs(services, query, cursor=None, limit=100, now_ms=LATER_MS)
    assert (page.jobs, page.looked_at) == ((), module.LOOKED_AT_MOST)
    assert page.cursor is not None
    assert world.requests["get_many"] == module.LOOKED_AT_MOST // 100
    assert world.requests["page"] <= 4
    world.requests.clear()
    by_name = find_jobs(
        services, JobQuery(states=(State.FAILED,), name_prefix="no"), cursor=None, limit=1, now_ms=0
    )
    assert by_name.looked_at == module.LOOKED_AT_MOST
    assert world.requests["get_many"] == 0, "the entries tell it"


@pytest.mark.parametrize("limit", [3, 200])
def test_a_page_never_looks_at_more_than_its_bound(
    services: Services, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT_MOST", 5)
    jobs = [_job(State.PENDING, number) for number in range(PER_STATE)]
    services.jobs.insert_if_absent(jobs)
    cursor, found = None, list[str]()
    for _ in range(PER_STATE):
        page = find_jobs(services, JobQuery(), cursor=cursor, limit=limit, now_ms=LATER_MS)
        assert page.looked_at <= 5
        found += [job.job_id for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(found) == sorted(job.job_id for job in jobs)
