"""Every store whose service answers page by page reads all pages for each list and count."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.index import MemoryJobIndex
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, SHARDS, Stores
from tidegate.domain.dependency import DependencyType
from tidegate.domain.rank import ready_at_of
from tidegate.domain.states import Group, State
from tidegate.domain.submission import ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.ports import OpenSubmission
from tidegate.usecases.pools.whole_group import entries_of

PAGE = 2  # the most that the service returns, whatever it is asked for
MANY = 11
LETTERS = string.ascii_letters + string.digits


@pytest.fixture
def paged(stores: Stores) -> Iterator[Stores]:
    """Makes stores whose service ends every page after `PAGE` items, as DynamoDB does after 1 MB."""
    if stores.clients is None:
        assert isinstance(stores.index, MemoryJobIndex)
        stores.index._world.page_entries = PAGE
        yield stores
        return
    asked: list[int] = []

    def shorten(params: dict[str, Any], **_: Any) -> Any:
        asked.append(min(PAGE, params.get("Limit", PAGE)))
        return {**params, "Limit": asked[-1]}

    events: Any = stores.clients.dynamodb.meta.events
    events.register("provide-client-params.dynamodb.Query", shorten, unique_id="small-pages")
    yield stores
    events.unregister("provide-client-params.dynamodb.Query", unique_id="small-pages")
    assert asked, "nothing was asked in pages"


def test_the_index_counts_and_brings_all_of_a_group(paged: Stores) -> None:
    jobs = [
        new_job(f"S.{n}", state=State.QUEUED, queued_at_ms=NOW_MS + n, sent_at_ms=NOW_MS) for n in range(MANY)
    ]
    paged.jobs.insert_if_absent(jobs)
    assert paged.index.count(POOL, Group.ACTIVE, at_most=MANY + 1) == MANY
    found = [entry.job_id for entry in entries_of(paged.index, POOL, Group.ACTIVE, MANY)]
    assert sorted(found) == sorted(job.job_id for job in jobs)


def test_the_ranks_of_all_ready_jobs_are_read(paged: Stores) -> None:
    jobs = [new_job(f"S.{n}", ready_at_ms=NOW_MS + n) for n in range(MANY)]
    paged.jobs.insert_if_absent(jobs)
    ranks = paged.index.ranks(POOL, at_most=MANY + 1)
    assert sorted(map(ready_at_of, ranks)) == [NOW_MS + n for n in range(MANY)]


def test_a_shard_is_walked_to_its_end(paged: Stores) -> None:
    paged.jobs.insert_if_absent([new_job(f"S.{n}", ready_at_ms=NOW_MS + n) for n in range(MANY)])
    found: list[str] = []
    for shard in range(SHARDS):
        after = None
        while True:
            page = paged.index.page(POOL, Group.READY, shard, limit=100, descending=True, after=after)
            assert len(page.entries) <= PAGE
            found += [entry.job_id for entry in page.entries]
            after = page.next
            if after is None:
                break
    assert sorted(found) == sorted(f"S.{n}" for n in range(MANY))


def test_lanes_are_listed_as_many_as_were_asked_for(paged: Stores) -> None:
    names = [f"key:1:{n:02}" for n in range(MANY)]
    for name in names:
        paged.lanes.note(POOL, name, now_ms=NOW_MS)
    listed = [each.lane for each in paged.lanes.list_lanes(POOL, limit=MANY - 1)]
    assert listed == sorted(names, reverse=True)[: MANY - 1]
    behind = [each.lane for each in paged.lanes.list_lanes(POOL, limit=MANY, before=listed[-1])]
    assert behind == names[:1]


def test_open_submissions_are_listed_as_many_as_were_asked_for(paged: Stores) -> None:
    for n in range(MANY):
        paged.submissions.begin_if_absent(
            Submission(
                submission_id=f"S{n:02}",
                phase=Phase.STAGING,
                fingerprint="f",
                created_at_ms=NOW_MS + n,
                job_count=1,
            )
        )
    assert paged.submissions.list_open(opened_before_ms=NOW_MS + MANY, limit=MANY - 1) == tuple(
        OpenSubmission(NOW_MS + n, f"S{n:02}") for n in range(MANY - 1)
    )


def test_all_live_workers_of_a_pool_are_counted(paged: Stores) -> None:
    for n in range(MANY):
        paged.workers.register_if_free(
            begin(WorkerSpec(POOL, f"w{n:02}", "host", slots=2), "S1", NOW_MS), silent_since_ms=NOW_MS
        )
    assert len(paged.workers.list_live(POOL, silent_since_ms=NOW_MS)) == MANY


def test_all_edges_of_a_job_are_found(paged: Stores) -> None:
    upstream = new_job("S.0")
    paged.jobs.insert_if_absent([upstream])
    edges = [ExternalEdge("S.0", f"T{n}.0", 0, DependencyType.MUST_SUCCEED) for n in range(MANY)]
    paged.jobs.add_edges(edges)
    found = paged.jobs.list_dependents(replace(upstream, dependents_overflow=True))
    assert {edge.job_id for edge in found} == {f"T{n}.0" for n in range(MANY)}


def test_a_plan_of_several_pages_is_loaded_whole(paged: Stores) -> None:
    # The texts do not compress, so the plan takes more items than a page holds.
    chance = random.Random(7)
    roots = tuple(
        new_job(f"S.{n}", parameters={"text": "".join(chance.choices(LETTERS, k=60_000))}) for n in range(30)
    )
    paged.submissions.save_plan("S", SubmissionPlan(roots=roots, edges=()))
    assert paged.submissions.load_plan("S").roots == roots
