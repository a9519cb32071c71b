"""The listing of READY jobs over every index: ordered and complete from page to page while jobs change lanes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, SHARDS, Stores
from tests.harness.usecases.listing import list_jobs
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.lanes import key_lane, share_lane
from tidegate.domain.states import State
from tidegate.domain.transitions import HoldIfReady, PassOverIfReady
from tidegate.usecases.services import Services

JOBS = 23


@pytest.fixture
def services(stores: Stores) -> Services:
    plain, _ = make_services(make_settings(function_pool(POOL, 1), shards=SHARDS), seed=1)
    return replace(plain, jobs=stores.jobs, index=stores.index, lanes=stores.lanes)


def _ready(number: int, **changes: object) -> Job:
    at_ms = NOW_MS + number // 6  # several at one moment
    history = (HistoryEntry(at_ms, State.READY, 0, "submit"),)
    return new_job(f"S.{number}", ready_at_ms=at_ms, history=history, **changes)


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_ready_jobs_are_listed_in_order_and_once_while_they_change_lanes(
    services: Services, limit: int
) -> None:
    # The jobs are not staged like a workflow's, because the listing shows the index only.
    services.lanes.note(POOL, share_lane("data"), now_ms=NOW_MS)
    jobs = [_ready(number, share="data" if number % 3 == 0 else "") for number in range(JOBS)]
    single = [replace(job, job_id=f"J{number:02}") for number, job in enumerate(jobs)]
    services.jobs.insert_if_absent(single)
    found: list[str] = []
    cursor, turn = None, 0
    while True:
        page = list_jobs(services, State.READY, pool=POOL, cursor=cursor, limit=limit)
        found += [job.job_id for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            break
        lane = key_lane(f"k{turn % 3}", 1)
        services.lanes.note(POOL, lane, now_ms=NOW_MS)
        services.jobs.apply(HoldIfReady(single[-1 - turn % JOBS].job_id, POOL, lane))
        last = services.jobs.get(found[-1], consistent=True)
        assert last is not None
        services.jobs.apply(PassOverIfReady(last))
        turn += 1
    assert sorted(found) == [job.job_id for job in single]
    by_time = [NOW_MS + int(job_id[1:]) // 6 for job_id in found]
    assert by_time == sorted(by_time)
