"""Recorded acts are found by subject, by caller and by time, in pages that are bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain.audit import Act, Outcome, subject_of
from tidegate.domain.callers import caller_under
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.usecases.audit.search import DAYS_PER_PAGE, AuditQuery, list_acts
from tidegate.usecases.submit.submit import submit_job, submit_workflow

DAY_MS = 86_400_000
ANN, BEN = (caller_under(f"arn:aws:iam::123456789012:user/{name}") for name in ("ann", "ben"))


@pytest.fixture
def deployment() -> tuple[Services, MemoryWorld]:
    return memory_services(SETTINGS)


def record(services: Services, at_ms: int, **changes: object) -> Act:
    act = Act(
        act_id=services.entropy.new_ulid(at_ms),
        at_ms=at_ms,
        subject=subject_of("pool", "ecs"),
        act="pool.pause",
        route="POST /v1/pools/{pool}/pause",
        caller=ANN,
    )
    act = replace(act, **changes)  # type: ignore[arg-type]  # a bundle of keyword arguments
    services.audit.ask(act)
    return act


def walk(services: Services, query: AuditQuery, limit: int = 2) -> tuple[list[Act], int]:
    """Returns all acts that the pages hold, and the number of pages."""
    found: list[Act] = []
    cursor: str | None = None
    for pages in range(1, 1_000):
        page = list_acts(services, query, cursor=cursor, limit=limit, now_ms=NOW_MS)
        assert len(page.acts) <= limit
        found += page.acts
        cursor = page.cursor
        if cursor is None:
            return found, pages
    raise AssertionError("the pages do not end")


def test_acts_of_all_days_come_newest_first_across_empty_days(
    deployment: tuple[Services, MemoryWorld],
) -> None:
    services, _ = deployment
    acts = [record(services, NOW_MS - days * DAY_MS - n) for days in (0, 1, 40, 41, 399) for n in range(3)]
    for limit in (1, 2, 3, 50):
        assert walk(services, AuditQuery(), limit)[0] == acts, limit


def test_a_page_without_subject_looks_at_a_bounded_number_of_days_and_says_how_far_it_got(
    deployment: tuple[Services, MemoryWorld],
) -> None:
    services, world = deployment
    record(services, NOW_MS - 300 * DAY_MS)
    world.requests.clear()
    page = list_acts(services, AuditQuery(), cursor=None, limit=50, now_ms=NOW_MS)
    assert (page.acts, world.requests["page_audit"]) == ((), DAYS_PER_PAGE)
    midnight_ms = NOW_MS - NOW_MS % DAY_MS
    assert page.looked_back_to_ms == midnight_ms - (DAYS_PER_PAGE - 1) * DAY_MS
    assert page.cursor is not None


def test_acts_are_found_by_caller_by_subject_and_by_both(deployment: tuple[Services, MemoryWorld]) -> None:
    services, _ = deployment
    acts = [
        record(services, NOW_MS - n, caller=ANN if n % 2 else BEN, subject=f"pool#{'ab'[n // 10]}")
        for n in range(20)
    ]
    for caller in (ANN, BEN, None):
        for subject in ("pool#a", "pool#b", None):
            wanted = [act for act in acts if caller in (None, act.caller) and subject in (None, act.subject)]
            query = AuditQuery(subject, caller.subject if caller else None)
            assert walk(services, query)[0] == wanted


def test_a_time_range_counts_its_start_and_not_its_end(deployment: tuple[Services, MemoryWorld]) -> None:
    services, _ = deployment
    acts = [record(services, NOW_MS - n * 1_000) for n in range(6)]
    for query in (AuditQuery(), AuditQuery("pool#ecs"), AuditQuery(caller=ANN.subject)):
        ranged = replace(query, since_ms=NOW_MS - 4_000, until_ms=NOW_MS - 1_000)
        assert walk(services, ranged)[0] == acts[2:5]
    with pytest.raises(InvalidRequest, match="from"):
        list_acts(services, AuditQuery(since_ms=9, until_ms=9), cursor=None, limit=5, now_ms=NOW_MS)


def test_a_cursor_fits_only_the_query_that_gave_it(deployment: tuple[Services, MemoryWorld]) -> None:
    services, _ = deployment
    for n in range(3):
        record(services, NOW_MS - n)
    cursor = list_acts(services, AuditQuery("pool#ecs"), cursor=None, limit=1, now_ms=NOW_MS).cursor
    for query in (AuditQuery(), AuditQuery("pool#ecs", ANN.subject), AuditQuery("pool#ecs", None, 1)):
        with pytest.raises(InvalidRequest, match="cursor"):
            list_acts(services, query, cursor=cursor, limit=1, now_ms=NOW_MS)
    for forged in ("x", "WzEsMl0", "bnVsbA", "A" * 20_000):
        with pytest.raises(InvalidRequest, match="cursor"):
            list_acts(services, AuditQuery("pool#ecs"), cursor=forged, limit=1, now_ms=NOW_MS)


def test_a_submission_is_the_oldest_act_of_its_job(deployment: tuple[Services, MemoryWorld]) -> None:
    services, _ = deployment
    job_id = submit_job(
        services, JobRequest(type="tidegate.noop"), idempotency_key=None, fingerprint="", caller=ANN,
        now_ms=NOW_MS - 9,
    ).job_id  # fmt: skip
    cancelled = record(services, NOW_MS, subject=f"job#{job_id}", act="job.cancel", caller=BEN)
    found, _ = walk(services, AuditQuery(f"job#{job_id}"), limit=1)
    assert [(act.act, act.caller, act.outcome, act.at_ms) for act in found] == [
        ("job.cancel", BEN, Outcome.ASKED, NOW_MS),
        ("job.submit", ANN, Outcome.DONE, NOW_MS - 9),
    ]
    assert found[0] == cancelled
    assert walk(services, AuditQuery(f"job#{job_id}", BEN.subject))[0] == [cancelled]
    assert walk(services, AuditQuery(f"job#{job_id}", since_ms=NOW_MS - 8))[0] == [cancelled]
    assert walk(services, AuditQuery("job#" + "0" * 26))[0] == []


def test_a_workflow_s_submission_is_the_oldest_act_of_it_and_of_its_jobs(
    deployment: tuple[Services, MemoryWorld],
) -> None:
    services, _ = deployment
    request = WorkflowRequest(jobs=(JobRequest(key="a", type="tidegate.noop"),))
    workflow_id = submit_workflow(
        services, request, idempotency_key=None, fingerprint="", caller=ANN, now_ms=NOW_MS
    ).workflow_id
    for subject in (f"workflow#{workflow_id}", f"job#{workflow_id}.0"):
        (act,) = walk(services, AuditQuery(subject))[0]
        assert (act.act, act.subject, act.caller) == ("workflow.submit", f"workflow#{workflow_id}", ANN)
