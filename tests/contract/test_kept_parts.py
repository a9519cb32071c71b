"""Each part of a job that is overflow stays as long as the job is kept, at the price in docs/reference/cost.md."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from dev.simulator.memory.jobs import RESULT_KEPT_LONGER_SECONDS, MemoryJobStore
from tests.contract.test_dynamodb_costs import Measure, cost_of, units
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import KeepIfEnded, NoteDependents

__all__ = ["cost_of"]  # a fixture

DAY_S = 86_400
ENDS_AT_S = NOW_MS // 1_000 + 30 * DAY_S
LARGE = "x" * 20_000


def ended(job_id: str, **changes: object) -> Job:
    job = new_job(job_id, attempt=1, **changes)
    return replace(job, state=State.SUCCEEDED, finished_at_ms=NOW_MS, expires_at_s=ENDS_AT_S)


def expiry_of(stores: Stores, job: Job, part: str) -> int | None:
    """Returns when a part of a job may be removed, in seconds, or None if it is gone."""
    if isinstance(stores.jobs, MemoryJobStore):
        return stores.jobs._world.results_expire_at_s.get((job.job_id, job.result_name))
    assert stores.clients is not None
    assert stores.tables is not None
    key = {"job_id": {"S": job.job_id}, "part": {"S": part}}
    item = stores.clients.dynamodb.get_item(TableName=stores.tables.payloads, Key=key).get("Item")
    return None if item is None else int(item["expires_at"]["N"])


def test_a_result_stays_longer_than_the_job_that_is_kept(stores: Stores) -> None:
    job = replace(ended("S.1"), result_overflow=True)
    stores.jobs.insert_if_absent([job])
    assert stores.jobs.store_result_overflow(job, LARGE)
    assert expiry_of(stores, job, "result#1") == ENDS_AT_S + RESULT_KEPT_LONGER_SECONDS
    later_s = ENDS_AT_S + 9 * DAY_S
    stores.jobs.keep_parts([KeepIfEnded(job, later_s)])
    assert expiry_of(stores, job, "result#1") == later_s + RESULT_KEPT_LONGER_SECONDS
    stores.jobs.keep_parts([KeepIfEnded(job, ENDS_AT_S + 1)])
    assert expiry_of(stores, job, "result#1") == later_s + RESULT_KEPT_LONGER_SECONDS
    assert stores.jobs.load_result(job) == LARGE


def test_a_part_that_is_gone_is_not_made_again(stores: Stores) -> None:
    job = replace(ended("S.1"), result_overflow=True)
    stores.jobs.keep_parts([KeepIfEnded(job, ENDS_AT_S + 9)])
    assert expiry_of(stores, job, "result#1") is None


@pytest.mark.parametrize("days", [9, 500])
def test_an_input_is_kept_where_it_would_go_first(local_stores: Stores, days: int) -> None:
    """The input stays for 400 days and the retention from the start."""
    job = ended("S.1", parameters={"text": LARGE})
    local_stores.jobs.insert_if_absent([job])
    found = local_stores.jobs.get("S.1")
    assert found is not None
    before_s, until_s = expiry_of(local_stores, job, "input"), ENDS_AT_S + days * DAY_S
    local_stores.jobs.keep_parts([KeepIfEnded(found, until_s)])
    kept_s = until_s + RESULT_KEPT_LONGER_SECONDS
    assert expiry_of(local_stores, job, "input") == max(before_s or 0, kept_s)


def test_a_kept_job_costs_a_write_and_leaves_the_index_alone(local_stores: Stores, cost_of: Measure) -> None:
    plain, large = ended("S.1"), replace(ended("S.2"), result_overflow=True)
    local_stores.jobs.insert_if_absent([plain, large])
    local_stores.jobs.store_result_overflow(large, LARGE)
    transitions = [KeepIfEnded(job, ENDS_AT_S + DAY_S) for job in (plain, large)]
    assert units(cost_of(lambda: local_stores.jobs.keep_parts(transitions[:1]))) == (0, 0)
    # one unit for each KB
    assert units(cost_of(lambda: local_stores.jobs.keep_parts(transitions[1:]))) == (20, 0)
    for transition in transitions:
        assert units(cost_of(partial(local_stores.jobs.apply, transition))) == (1, 0)


def test_an_edge_to_a_job_that_has_ended_costs_what_one_to_an_open_job_does(
    local_stores: Stores, cost_of: Measure
) -> None:
    local_stores.jobs.insert_if_absent([ended("S.1"), new_job("S.2")])
    for job_id in ("S.1", "S.2"):
        edge = ExternalEdge(job_id, "T", 0, DependencyType.MUST_SUCCEED)
        assert units(cost_of(partial(local_stores.jobs.add_edges, [edge]))) == (1, 0)
        note = NoteDependents(job_id, watch_start=False)
        assert units(cost_of(partial(local_stores.jobs.apply, note))) == (1, 0)
        job = local_stores.jobs.get(job_id, consistent=True)
        assert job is not None
        assert [each.job_id for each in local_stores.jobs.list_dependents(job)] == ["T"]
