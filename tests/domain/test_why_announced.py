"""The facts about missing workers say when a worker last announced the type of a job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.domain.test_why import JOB, NOW_MS, POLICY, POOL
from tests.harness.domain.job_samples import QUEUED
from tidegate.domain.announcements import OVERDUE_AFTER_MS, Announcement, DescribedType, announced
from tidegate.domain.job import Job
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.domain.why.decide import decide
from tidegate.domain.why.facts import Code, Fact
from tidegate.domain.why.seen import PoolSeen, Seen
from tidegate.domain.workers import Ability

TOLD = announced(DescribedType("t"), "p", "w", NOW_MS - 1, NOW_MS - 3 * 3_600_000 - 1)
TOLD_TEXT = " Type t was last announced 3 h ago, at 2026-12-01T04:59:59Z; no worker has told of it since."


def fact_of(job: Job, ability: Ability, announcement: Announcement | None = None) -> Fact:
    """Returns the one fact that holds a job of a pool with these workers."""
    at_pool = PoolSeen(POOL, DispatchRules(), ability)
    (fact,) = decide(Seen(job, NOW_MS, POLICY, 2.0, at_pool=at_pool, announcement=announcement)).facts
    return fact


@pytest.mark.parametrize("ability", [Ability(0), Ability(2, {"t": 0})])
@pytest.mark.parametrize("state", [State.READY, State.QUEUED])
def test_where_workers_are_missing_the_last_announcement_is_told(ability: Ability, state: State) -> None:
    job = replace(QUEUED, pool="p", type="t") if state is State.QUEUED else JOB
    plain = fact_of(job, ability)
    fact = fact_of(job, ability, TOLD)
    assert fact.message == plain.message + TOLD_TEXT
    assert fact.evidence == {**plain.evidence, "announced_at_ms": TOLD.seen_at_ms}
    assert fact.change == plain.change


def test_a_job_that_no_worker_takes_tells_of_a_type_that_nobody_renewed() -> None:
    job = replace(QUEUED, pool="p", type="t")
    assert fact_of(job, Ability(1), TOLD) == fact_of(job, Ability(1))
    old = replace(TOLD, seen_at_ms=NOW_MS - OVERDUE_AFTER_MS - 1)
    fact = fact_of(job, Ability(1), old)
    assert fact.code is Code.CLAIM_DUE
    assert "Type t was last announced 2 days ago, at " in fact.message
    assert fact.evidence["announced_at_ms"] == old.seen_at_ms


@pytest.mark.parametrize(
    ("passed_ms", "said"),
    [
        (-5, "less than a minute"),
        (59_999, "less than a minute"),
        (60_000, "1 min"),
        (3_599_999, "59 min"),
        (3_600_000, "1 h"),
        (48 * 3_600_000 - 1, "47 h"),
        (48 * 3_600_000, "2 days"),
    ],
)
def test_the_age_of_an_announcement_is_told_in_its_largest_unit(passed_ms: int, said: str) -> None:
    told = replace(TOLD, seen_at_ms=NOW_MS - passed_ms)
    assert f" last announced {said} ago" in fact_of(JOB, Ability(0), told).message
