"""A submission is parsed once: the pools of each job are found once, and the lanes of a pool are read with one query.

Validation learns them, and everything after it uses what validation learned.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from dev.simulator.memory.services import memory_services
from tidegate.bootstrap import Services
from tidegate.domain.pools import Pool, PoolKind, suitable_pools
from tidegate.domain.requests import JobRequest, ShareRequest, WorkflowRequest
from tidegate.ports import KnownLane, LaneRegistry
from tidegate.settings import Settings
from tidegate.usecases.submit.submit import submit_job, submit_workflow

NOW_MS = 1_800_000_000_000
JOB_COUNT = 50
OFFERS = frozenset({"gpu"})
SETTINGS = Settings(
    pools={
        name: Pool(name, "", PoolKind.FUNCTION, 840, capacity=4, capabilities=OFFERS) for name in ("p", "q")
    },
    default_pool="p",
)
SHARE = ShareRequest(name="team", weight=3)


@dataclass(slots=True)
class CountedLanes:
    """Lanes that count by pool how often they are listed, and the notes by lane."""

    lanes: LaneRegistry
    listed: Counter[str] = field(default_factory=Counter)
    noted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def list_lanes(self, pool: str, **options: Any) -> tuple[KnownLane, ...]:
        self.listed[pool] += 1
        return self.lanes.list_lanes(pool, **options)

    def note(self, pool: str, lane: str, **options: Any) -> None:
        self.noted[pool, lane] += 1
        self.lanes.note(pool, lane, **options)


@pytest.fixture
def counted() -> tuple[Services, CountedLanes]:
    services, _ = memory_services(SETTINGS)
    lanes = CountedLanes(services.lanes)
    return replace(services, lanes=cast(LaneRegistry, lanes)), lanes


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts by path how often the pools of a job are found."""
    counts: Counter[str] = Counter()

    def count(*args: Any) -> tuple[Pool, ...]:
        counts[args[-1]("")] += 1
        return suitable_pools(*args)

    monkeypatch.setattr("tidegate.usecases.submit.validate.suitable_pools", count)
    return counts


def submit(services: Services, request: JobRequest) -> str:
    return submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id


@pytest.mark.parametrize(
    ("requires", "pools"), [((), ["p"]), (("gpu",), ["p", "q"])], ids=["one pool", "several pools"]
)
def test_a_job(
    counted: tuple[Services, CountedLanes],
    parsed: Counter[str],
    requires: tuple[str, ...],
    pools: list[str],
) -> None:
    services, lanes = counted
    submit(services, JobRequest(type="tidegate.noop", requires=requires, share=SHARE))
    assert list(parsed.values()) == [1]
    assert lanes.listed == Counter(pools)
    assert lanes.noted == Counter((pool, "share:team") for pool in pools)


def test_a_workflow(counted: tuple[Services, CountedLanes], parsed: Counter[str]) -> None:
    services, lanes = counted
    jobs = tuple(
        JobRequest(key=str(place), type="tidegate.noop", requires=("gpu",)) for place in range(JOB_COUNT)
    )
    request = WorkflowRequest(jobs=jobs, share=SHARE)
    submit_workflow(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    assert parsed == Counter({f"jobs[{place}].": 1 for place in range(JOB_COUNT)})
    assert lanes.listed == Counter(["p", "q"])
    assert lanes.noted == Counter([("p", "share:team"), ("q", "share:team")])


def test_a_job_without_share_reads_no_lanes(
    counted: tuple[Services, CountedLanes], parsed: Counter[str]
) -> None:
    services, lanes = counted
    submit(services, JobRequest(type="tidegate.noop"))
    assert list(parsed.values()) == [1]
    assert not lanes.listed


def test_a_share_in_use_for_long_is_noted_again_without_a_second_query(
    counted: tuple[Services, CountedLanes],
) -> None:
    services, lanes = counted
    services.lanes.note("p", "share:team", weight=7, now_ms=NOW_MS - 6 * 60_000)
    lanes.noted.clear()
    submit(services, JobRequest(type="tidegate.noop", share=SHARE))
    assert lanes.listed == Counter(["p"])
    assert lanes.noted == Counter([("p", "share:team")])
    assert lanes.lanes.list_lanes("p", limit=9) == (KnownLane("share:team", 7, NOW_MS),)
