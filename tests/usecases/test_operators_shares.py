"""Shares belong to operators: clients name them, within their bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.domain import limits
from tidegate.domain.callers import Caller, caller_under
from tidegate.domain.errors import InvalidRequest, NotFound, ShareFull, UnknownName
from tidegate.domain.lanes import share_lane
from tidegate.domain.requests import DependencyRequest, JobRequest, ShareRequest, WorkflowRequest
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.operate import set_shares
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_job, submit_workflow

ROOT = caller_under("arn:aws:iam::123456789012:root")
ANN = caller_under("arn:aws:iam::123456789012:user/ann")
POOL = "lambda"
DAY_MS = 86_400_000


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(shards=SETTINGS.shards, now_ms=NOW_MS)


@pytest.fixture
def services(world: MemoryWorld) -> Services:
    return memory_services(SETTINGS, world)[0]


def share(
    services: Services,
    name: str = "data",
    weight: int = 3,
    *,
    max_priority: int | None = None,
    max_waiting: int | None = None,
) -> None:
    set_shares.set_share(
        services,
        POOL,
        name,
        weight=weight,
        max_priority=max_priority,
        max_waiting=max_waiting,
        caller=ROOT,
        now_ms=NOW_MS,
    )


def job(
    services: Services,
    by: Caller,
    name: str = "data",
    weight: int | None = None,
    key: str | None = None,
    **fields: object,
) -> str:
    request = JobRequest(type="tidegate.noop", share=ShareRequest(name=name, weight=weight))
    request = replace(request, **fields)  # type: ignore[arg-type]  # of JobRequest
    return submit_job(
        services, request, idempotency_key=key, fingerprint="f", caller=by, now_ms=NOW_MS
    ).job_id


def lane_weight(world: MemoryWorld, name: str = "data") -> int:
    return world.lanes[(POOL, share_lane(name))].weight


def test_a_client_names_a_share_that_an_operator_made(services: Services, world: MemoryWorld) -> None:
    share(services, weight=7)
    found = services.jobs.get(job(services, ANN), consistent=True)
    assert found is not None
    assert found.share == "data"
    assert lane_weight(world) == 7


def test_a_client_is_told_which_shares_there_are(services: Services, world: MemoryWorld) -> None:
    share(services, "reports")
    job(services, ROOT, "not-made")
    with pytest.raises(
        InvalidRequest, match=r"share: there is no share 'dat' in pool 'lambda'; shares are reports; "
    ):
        job(services, ANN, "dat")
    with pytest.raises(InvalidRequest, match="there is no share 'not-made'"):
        job(services, ANN, "not-made")
    assert len(world.jobs) == 1


def test_an_operator_may_name_any_share(services: Services, world: MemoryWorld) -> None:
    job(services, ROOT, "new", weight=5)
    assert lane_weight(world, "new") == 5


def test_a_weight_belongs_to_operators(services: Services, world: MemoryWorld) -> None:
    share(services, weight=3)
    with pytest.raises(InvalidRequest, match=r"share\.weight: belongs to operators"):
        job(services, ANN, weight=3)
    with pytest.raises(InvalidRequest, match=r"share\.weight: is 4, but the share has 3; .*--weight 4"):
        job(services, ROOT, weight=4)
    job(services, ROOT, weight=3)
    share(services, weight=9)
    job(services, ANN)
    assert lane_weight(world) == 9


def test_a_priority_above_the_shares_highest_is_refused(services: Services) -> None:
    share(services, max_priority=100)
    with pytest.raises(InvalidRequest, match="priority: is 101; jobs of share 'data' may have 100 at most"):
        job(services, ANN, priority=101)
    with pytest.raises(InvalidRequest, match="priority: is 101"):
        job(services, ROOT, priority=101)
    job(services, ANN, priority=100)
    job(services, ANN)
    share(services, max_priority=50)
    with pytest.raises(InvalidRequest, match=f"priority: is {limits.DEFAULT_PRIORITY}"):
        job(services, ANN)


def test_a_workflows_priority_counts_for_its_jobs(services: Services) -> None:
    share(services, max_priority=100)
    request = WorkflowRequest(
        jobs=(JobRequest(key="a", type="tidegate.noop"),), priority=500, share=ShareRequest(name="data")
    )
    with pytest.raises(InvalidRequest, match=r"jobs\[0\]\.priority: is 500"):
        submit_workflow(services, request, idempotency_key=None, fingerprint="f", caller=ANN, now_ms=NOW_MS)


def test_a_full_share_takes_no_more_until_a_job_is_dispatched(services: Services, world: MemoryWorld) -> None:
    share(services, max_waiting=2)
    first = job(services, ANN, key="once")
    job(services, ANN)
    with pytest.raises(ShareFull, match="lets 2 jobs wait; 2 wait already and 1 more"):
        job(services, ANN)
    assert job(services, ANN, key="once") == first
    assert len(world.jobs) == 2
    tick(services, now_ms=NOW_MS)
    job(services, ANN)


def test_only_jobs_that_are_ready_at_once_count(services: Services) -> None:
    share(services, max_waiting=1)
    upstream = job(services, ANN)
    job(services, ANN, depends_on=(DependencyRequest(job_id=upstream),))
    job(services, ANN, not_before_ms=NOW_MS + 60_000)
    share(services, "other", max_waiting=2)
    jobs = tuple(
        JobRequest(key=str(number), type="tidegate.noop", share=ShareRequest(name="other"))
        for number in range(3)
    )
    for count, may in ((3, False), (2, True)):
        request = WorkflowRequest(jobs=jobs[:count])
        try:
            submit_workflow(
                services, request, idempotency_key=None, fingerprint="f", caller=ANN, now_ms=NOW_MS
            )
        except ShareFull:
            assert not may
        else:
            assert may


def test_a_share_is_listed_changed_and_removed(services: Services) -> None:
    share(services, "b", 2)
    share(services, "a", 1, max_waiting=9)
    job(services, ROOT, "not-made")
    assert [each.lane for each in set_shares.list_shares(services, POOL)] == ["share:a", "share:b"]
    share(services, "a", 4, max_priority=7)
    found = set_shares.find_share(services, POOL, "a")
    assert found.rule is not None
    assert (found.weight, found.rule.max_priority, found.rule.max_waiting) == (4, 7, None)
    assert (found.rule.by, found.rule.at_ms) == (ROOT.subject, NOW_MS)
    assert set_shares.remove_share(services, POOL, "a", caller=ROOT).weight == 4
    for missing in ("a", "not-made"):
        with pytest.raises(NotFound):
            set_shares.find_share(services, POOL, missing)
        with pytest.raises(NotFound):
            set_shares.remove_share(services, POOL, missing, caller=ROOT)
    with pytest.raises(UnknownName):
        set_shares.list_shares(services, "none")


def test_jobs_of_a_removed_share_are_still_dispatched(services: Services, world: MemoryWorld) -> None:
    share(services, weight=6)
    job_id = job(services, ANN)
    set_shares.remove_share(services, POOL, "data", caller=ROOT)
    with pytest.raises(InvalidRequest):
        job(services, ANN)
    assert lane_weight(world) == 6
    tick(services, now_ms=NOW_MS)
    assert world.jobs[job_id].queued_at_ms == NOW_MS


def test_a_share_that_an_operator_made_outlives_its_jobs(services: Services, world: MemoryWorld) -> None:
    share(services, weight=6)
    share(services, "gone")
    set_shares.remove_share(services, POOL, "gone", caller=ROOT)
    for days in range(1, 4):
        tick(services, now_ms=NOW_MS + days * DAY_MS)
    assert (POOL, share_lane("gone")) not in world.lanes
    assert world.lanes[(POOL, share_lane("data"))].resting
    job(services, ANN)
    assert not world.lanes[(POOL, share_lane("data"))].resting
    assert lane_weight(world) == 6


def test_shares_of_a_pool_are_bounded(services: Services) -> None:
    for number in range(limits.MAX_SHARES_PER_POOL):
        share(services, f"s{number}")
    with pytest.raises(InvalidRequest, match="one share too many"):
        share(services, "more")
    share(services, "s1", 8)
