"""The ends that an index shows, and those that are kept because their jobs were reopened or marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, SHARDS, Stores
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.states import TERMINAL, Group, State
from tidegate.domain.statistics.ended import EndedJob, EndPlace, end_of
from tidegate.domain.transitions import (
    CancelIfInState,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    ReopenIfEnded,
    Stamp,
)
from tidegate.ports import EndedPage

TO_MS = NOW_MS + 1_000_000
ENDS = {
    (type(case.transition), case.after.state): case
    for case in CASES
    if case.after.state in TERMINAL and case.after.state is not case.job.state
}
"""One case of each transition into each terminal state."""


def shown(stores: Stores, *states: State) -> list[EndedJob]:
    """Returns the ends that the index shows, shard by shard."""
    return [
        end
        for state in states or sorted(TERMINAL)
        for shard in range(SHARDS)
        for end in walk(
            lambda after, state=state, shard=shard: stores.index.ended(  # type: ignore[misc]  # defaults
                POOL, Group(state), shard, from_ms=0, to_ms=TO_MS, limit=100, after=after
            )
        )
    ]


def kept(stores: Stores, from_ms: int = 0, to_ms: int = TO_MS, limit: int = 100) -> list[EndedJob]:
    return walk(lambda after: stores.kept_ends.page(POOL, from_ms, to_ms, limit=limit, after=after))


def walk(page_after: Callable[[EndPlace | None], EndedPage]) -> list[EndedJob]:
    found: list[EndedJob] = []
    page = page_after(None)
    for _ in range(60):
        found += page.entries
        if page.next is None:
            return found
        page = page_after(page.next)
    raise AssertionError("the pages do not end")


def ended(job_id: str, at_ms: int, state: State = State.CANCELLED) -> Job:
    """Makes a job that ended so many milliseconds after `NOW_MS`."""
    return replace(new_job(job_id), state=state, finished_at_ms=NOW_MS + at_ms)


@pytest.mark.parametrize("case", ENDS.values(), ids=str)
def test_the_write_that_ends_a_job_brings_its_figures(stores: Stores, case: Case) -> None:
    stores.jobs.insert_if_absent([case.job])
    job = stores.jobs.apply(case.transition)
    assert [replace(end, priority=job.priority) for end in shown(stores, job.state)] == [end_of(job)]


def test_a_job_that_ends_twice_has_two_ends(stores: Stores) -> None:
    """Its first end is kept, its second has figures of its own, and while it waits it shows none."""
    stores.jobs.insert_if_absent([new_job("S", estimated_duration_seconds=1.5)])
    stores.jobs.apply(DispatchIfReady("S", POOL, Stamp(NOW_MS + 10, "dispatcher")))
    claim = ClaimIfQueued("S", 0, "w", TO_MS, Stamp(NOW_MS + 30, "w"))
    running = stores.jobs.apply(claim)
    ending = Ending(State.FAILED, failure=JobFailure("broken", "it broke"), began_at_ms=NOW_MS + 40)
    failed = stores.jobs.apply(FinishIfAttemptHolds(running, 1, ending, Stamp(NOW_MS + 90, "w")))
    first = shown(stores)
    assert [(end.error_code, end.estimated_seconds) for end in first] == [("broken", 1.5)]
    assert [end.figures and end.figures.ran_ms for end in first] == [50]

    stores.kept_ends.keep([failed, failed])
    stores.kept_ends.keep([failed])
    opened = stores.jobs.apply(ReopenIfEnded(failed, Stamp(NOW_MS + 100, "ann")))
    assert shown(stores) == []
    assert kept(stores) == first

    cancelled = stores.jobs.apply(
        CancelIfInState(opened, Ending(State.CANCELLED), Stamp(NOW_MS + 100, "ann"))
    )
    second = shown(stores)
    assert second == [end_of(cancelled)]
    assert [end.figures and (end.figures.life, end.figures.ran_ms) for end in second] == [(1, None)]
    assert {(end.job_id, end.ended_at_ms) for end in [*first, *second]} == {
        ("S", NOW_MS + 90),
        ("S", NOW_MS + 100),
    }


def test_ends_of_the_index_come_in_pages_within_their_bounds(stores: Stores) -> None:
    """Several ends have one time; the first time is in the span, the last is not."""
    stores.jobs.insert_if_absent([ended(f"S.{n}", n // 4) for n in range(40)])
    found = []
    for shard in range(SHARDS):

        def page(after: EndPlace | None, shard: int = shard) -> EndedPage:
            return stores.index.ended(
                POOL, Group.CANCELLED, shard, from_ms=NOW_MS + 2, to_ms=NOW_MS + 5, limit=2, after=after
            )

        ends = walk(page)
        assert [end.ended_at_ms for end in ends] == sorted(end.ended_at_ms for end in ends)
        found += ends
        assert page(EndPlace(NOW_MS, "S")).entries == page(None).entries
        assert page(EndPlace(NOW_MS + 5, "S")) == EndedPage((), None)
    assert sorted((end.ended_at_ms - NOW_MS, end.job_id) for end in found) == sorted(
        (n // 4, f"S.{n}") for n in range(8, 20)
    )
    assert shown(stores, State.FAILED) == []


def test_kept_ends_come_in_pages_within_their_bounds(stores: Stores) -> None:
    jobs = [ended(f"S.{n}", n // 4) for n in range(40)]
    stores.kept_ends.keep([*jobs, replace(ended("T", 3), pool="q")])
    stores.kept_ends.keep([])
    found = kept(stores, NOW_MS + 2, NOW_MS + 5, limit=5)
    expected = sorted((n // 4, f"S.{n}") for n in range(8, 20))
    assert [(end.ended_at_ms - NOW_MS, end.job_id) for end in found] == expected
    page = stores.kept_ends.page(POOL, NOW_MS + 2, NOW_MS + 5, limit=50, after=EndPlace(NOW_MS, "S"))
    assert list(page.entries) == found
    assert stores.kept_ends.page(POOL, NOW_MS, NOW_MS, limit=5) == EndedPage((), None)
    behind = EndPlace(NOW_MS + 5, "S")
    assert stores.kept_ends.page(POOL, NOW_MS, NOW_MS + 5, limit=5, after=behind) == EndedPage((), None)


@pytest.mark.parametrize("stores", ["moto"], indirect=True)
def test_an_end_under_the_version_before_has_no_figures_and_a_kept_end_goes_with_its_job(
    stores: Stores,
) -> None:
    assert stores.clients is not None
    assert stores.tables is not None
    job = replace(ended("S", 5), expires_at_s=77)
    stores.jobs.insert_if_absent([job])
    stores.clients.dynamodb.update_item(
        TableName=stores.tables.jobs, Key={"job_id": {"S": "S"}}, UpdateExpression="REMOVE figures"
    )
    assert shown(stores) == [replace(end_of(job), figures=None)]
    stores.kept_ends.keep([job, ended("T", 5)])
    items = stores.clients.dynamodb.scan(TableName=stores.tables.progress)["Items"]
    expiries = {item["part"]["S"].split("#")[1]: int(item["expires_at"]["N"]) for item in items}
    assert expiries == {"S": 77, "T": NOW_MS // 1_000 + 30 * 86_400}
