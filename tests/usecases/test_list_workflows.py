"""The listing of workflows shows each workflow once, newest first, at a bounded cost."""

from __future__ import annotations

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.months import month_start_ms
from tidegate.domain.progress import SEGMENT_JOBS, Summary, WorkflowState
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.usecases.read import cursors
from tidegate.usecases.read.workflows import READS, SEGMENTS, WorkflowFilter, list_workflows
from tidegate.usecases.services import Services

DAY_MS = 86_400_000
ALL = WorkflowFilter()


def world_with(*ages_days: float, job_count: int = 1) -> tuple[Services, MemoryWorld]:
    """Makes workflows of these ages, named by their place: every third failed, and every third succeeded."""
    services, world = memory_services(SETTINGS, MemoryWorld(now_ms=NOW_MS))
    for place, age_days in enumerate(ages_days):
        workflow_id = f"W{place:04d}"
        world.submissions[workflow_id] = Submission(
            submission_id=workflow_id,
            phase=Phase.COMPLETE,
            job_count=job_count,
            fingerprint="f",
            created_at_ms=NOW_MS - int(age_days * DAY_MS),
            name=f"name-{place % 2}",
            submitted_by="ann" if place % 5 else "bob",
            tags={"team": "data", "tier": str(place % 2)} if place % 4 == 0 else {},
            finish_by_ms=NOW_MS + place if place in (1, 2, 3) else None,
            judgements=(Judgement(NOW_MS, FinishVerdict.AT_RISK, 0.25),) if place in (2, 3) else (),
        )
        if place % 3:
            word = WorkflowState.FAILED if place % 3 == 1 else WorkflowState.SUCCEEDED
            world.summaries[workflow_id] = Summary(word, 1, {State(word): 1}, NOW_MS, NOW_MS)
    return services, world


def walk(services: Services, wanted: WorkflowFilter = ALL, limit: int = 50) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(100):
        page = list_workflows(services, wanted, cursor=cursor, limit=limit, now_ms=NOW_MS)
        assert len(page.rows) <= limit
        assert page.looked_at <= READS * 100
        found += [row.submission.submission_id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the walk has no end")


@pytest.mark.parametrize("limit", [3, 50, 200])
def test_a_walk_shows_each_workflow_once_newest_first_over_many_months(limit: int) -> None:
    ages = [place * 3.4 for place in range(150)]
    services, _ = world_with(*ages)
    assert walk(services, limit=limit) == [f"W{place:04d}" for place in range(150)]


def test_filters_combine() -> None:
    services, _ = world_with(*(place / 10 for place in range(60)))
    failed = WorkflowFilter(states=frozenset({WorkflowState.FAILED}))
    assert walk(services, failed) == [f"W{place:04d}" for place in range(60) if place % 3 == 1]
    wanted = WorkflowFilter(
        states=frozenset({WorkflowState.FAILED, WorkflowState.RUNNING}),
        name="name-1",
        submitted_by="bob",
        from_ms=NOW_MS - 5 * DAY_MS,
        to_ms=NOW_MS - 1 * DAY_MS,
    )
    assert walk(services, wanted) == [
        f"W{place:04d}" for place in range(10, 51) if place % 3 != 2 and place % 2 and place % 5 == 0
    ]
    assert walk(services, WorkflowFilter(name="other")) == []
    for place in (0, 1):
        assert services.workflows.mark_hold_if_present(f"W{place:04d}", on_hold=True)
    assert walk(services, WorkflowFilter(states=frozenset({WorkflowState.HELD}))) == ["W0000"]
    assert "W0000" not in walk(services, WorkflowFilter(states=frozenset({WorkflowState.RUNNING})))
    tagged = WorkflowFilter(tags={"team": "data", "tier": "0"}, submitted_by="bob")
    assert walk(services, tagged) == ["W0000", "W0020", "W0040"]
    assert walk(services, WorkflowFilter(tags={"team": "ops"})) == []
    assert walk(services, WorkflowFilter(finish_by_ms=NOW_MS + 2)) == ["W0001", "W0002"]
    assert walk(services, WorkflowFilter(verdict=FinishVerdict.AT_RISK)) == ["W0003"]


def test_a_page_says_how_far_it_looked() -> None:
    services, _ = world_with(*(place / 1_000 for place in range(1_500)))
    none = WorkflowFilter(submitted_by="eve")
    page = list_workflows(services, none, cursor=None, limit=10, now_ms=NOW_MS)
    assert page.rows == ()
    assert (READS - 1) * 100 < page.looked_at <= READS * 100, "one page of the index ended with its month"
    assert page.looked_back_to_ms == NOW_MS - int((page.looked_at - 1) / 1_000 * DAY_MS)
    assert page.cursor is not None
    last = list_workflows(services, none, cursor=page.cursor, limit=10, now_ms=NOW_MS)
    assert last.looked_at == 1_500 - page.looked_at


def test_counts_come_from_the_segments_while_a_workflow_runs_and_from_the_summary_after() -> None:
    services, world = world_with(0, 1, job_count=3)
    page = list_workflows(services, ALL, cursor=None, limit=10, now_ms=NOW_MS)
    assert [row.summary.counts for row in page.rows] == [{State.PENDING: 3}, {State.FAILED: 1}]
    assert world.requests["load_segments"] == 1


def test_a_page_reads_a_bounded_number_of_segments() -> None:
    services, world = world_with(*[place * 0.001 for place in range(0, 90, 3)], job_count=20 * SEGMENT_JOBS)
    world.summaries.clear()
    page = list_workflows(services, ALL, cursor=None, limit=200, now_ms=NOW_MS)
    assert len(page.rows) == SEGMENTS // 20
    assert len(walk(services)) == 30


def test_a_page_of_empty_months_says_how_far_it_looked() -> None:
    services, _ = world_with(700)
    page = list_workflows(services, ALL, cursor=None, limit=10, now_ms=NOW_MS)
    assert (page.rows, page.looked_at) == ((), 0)
    assert page.looked_back_to_ms == month_start_ms("2026-03")  # ten months, this one included
    page = list_workflows(services, ALL, cursor=page.cursor, limit=10, now_ms=NOW_MS)
    assert page.looked_back_to_ms == month_start_ms("2025-05")


def test_months_that_have_not_come_are_not_looked_at() -> None:
    services, _ = world_with(0)
    wanted = WorkflowFilter(to_ms=NOW_MS + 3_000 * 366 * DAY_MS)
    assert len(list_workflows(services, wanted, cursor=None, limit=10, now_ms=NOW_MS).rows) == 1


def test_a_page_that_is_cut_short_of_a_time_has_looked_back_to_that_time() -> None:
    services, _ = world_with(0)
    wanted = WorkflowFilter(from_ms=NOW_MS - DAY_MS)
    page = list_workflows(services, wanted, cursor=None, limit=10, now_ms=NOW_MS)
    assert (page.cursor, page.looked_back_to_ms) == (None, NOW_MS - DAY_MS)


def test_workflows_that_are_not_accepted_are_hidden() -> None:
    services, world = world_with(0)
    (only,) = world.submissions.values()
    for phase in Phase:
        object.__setattr__(only, "phase", phase)
        assert len(walk(services)) == (phase in (Phase.COMMITTED, Phase.COMPLETE))


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        cursors.short([]),
        cursors.short([ALL.plain(), 7]),
        cursors.short([ALL.plain(), "2026-13x"]),
        cursors.short([ALL.plain(), "2026-11", "1", "W"]),
        cursors.short([ALL.plain(), "2026-11", 1, "W"]),
        cursors.short([ALL.plain(), "2026-11", NOW_MS]),
        cursors.short([ALL.plain(), "2026-11", 10**30, "W"]),
        cursors.short([WorkflowFilter(name="a").plain(), "2026-12"]),
        cursors.short([WorkflowFilter(tags={"a": "b"}).plain(), "2026-12"]),
    ],
)
def test_a_cursor_that_no_page_of_this_listing_gave_is_refused(cursor: str) -> None:
    services, _ = world_with(0)
    with pytest.raises(InvalidRequest) as refused:
        list_workflows(services, ALL, cursor=cursor, limit=10, now_ms=NOW_MS)
    assert refused.value.violations[0].field == "cursor"
