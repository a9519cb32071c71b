"""The place of a job among the jobs of its pool, by the dispatcher's own plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import READY
from tidegate.domain.dispatch_plan import LOOK_AT_MOST, Candidate
from tidegate.domain.job import HistoryEntry
from tidegate.domain.permits import Permit
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.rules import DispatchRules, TypeRule
from tidegate.domain.states import State
from tidegate.domain.traits import Traits
from tidegate.domain.why.places import candidate_of, line_of
from tidegate.domain.why.seen import Active, PoolSeen
from tidegate.domain.workers import Ability

NOW_MS = 1_796_112_000_000
POLICY = RankPolicy()
JOB = replace(READY, job_id="J", pool="p", type="t", ready_at_ms=NOW_MS)
HIGH = 10**40
NO_RULES = DispatchRules()
OF_T, OF_O = Traits("t"), Traits("o")


def _at(ability: Ability, rules: DispatchRules = NO_RULES, **parts: object) -> PoolSeen:
    return PoolSeen(Pool("p", "", PoolKind.PROCESS, 3_600), rules, ability, **parts)  # type: ignore[arg-type]


def _ahead(*job_ids: str) -> tuple[Candidate, ...]:
    return tuple(Candidate(job_id, HIGH - place, OF_O) for place, job_id in enumerate(job_ids))


@pytest.mark.parametrize(
    ("changes", "ready_at_ms"),
    [
        ({}, NOW_MS - 9),
        ({"ready_at_ms": None}, 0),
        ({"state": State.PENDING}, NOW_MS),
        ({"state": State.PENDING, "not_before_ms": NOW_MS + 5, "due_at_ms": NOW_MS + 7}, NOW_MS + 5),
        ({"state": State.PENDING, "not_before_ms": NOW_MS - 5}, NOW_MS),
        ({"state": State.SCHEDULED, "not_before_ms": NOW_MS + 5, "due_at_ms": NOW_MS + 7}, NOW_MS + 7),
        ({"state": State.SCHEDULED, "ready_at_ms": NOW_MS + 8, "due_at_ms": NOW_MS + 7}, NOW_MS + 9),
    ],
)
def test_a_job_stands_where_it_does_or_will_stand_once_it_is_ready(
    changes: dict[str, object], ready_at_ms: int
) -> None:
    given = replace(JOB, job_id="W.7", share="s", ready_at_ms=NOW_MS - 9, tries=2, due_at_ms=None)
    job = replace(given, **changes)  # type: ignore[arg-type]
    order = rank(POLICY, job.priority, ready_at_ms, 2, job.critical_path_boost_millipoints, place=7)
    assert candidate_of(job, POLICY, NOW_MS) == Candidate("W.7", order, job.traits, "share:s")


def test_only_a_ready_job_stands_in_a_lane_of_held_jobs_and_keeps_its_passes() -> None:
    passed = replace(
        JOB,
        held_in="type:t",
        ready_at_ms=NOW_MS + 3,
        history=(HistoryEntry(NOW_MS, State.READY, 0, "dispatcher"),),
    )
    boost = JOB.critical_path_boost_millipoints
    held = candidate_of(passed, POLICY, NOW_MS)
    assert held.lane == "type:t"
    assert held.rank == rank(POLICY, JOB.priority, NOW_MS + 3, 0, boost, passes=3)
    again = candidate_of(replace(passed, state=State.PENDING, not_before_ms=None), POLICY, NOW_MS)
    assert again.lane == ""
    assert again.rank == rank(POLICY, JOB.priority, NOW_MS + 4, 0, boost)


@pytest.mark.parametrize(
    ("parts", "ahead"),
    [
        ({}, ("A", "B")),
        # Others wait for their own type and key; no rule of the job's own type holds them or it.
        ({"rules": DispatchRules(types={"o": TypeRule(paused=True)})}, ()),
        ({"rules": DispatchRules(types={"o": TypeRule(max_running=1)})}, ("A",)),
        ({"rules": DispatchRules(types={"t": TypeRule(paused=True)})}, ("A", "B")),
        ({"ability": Ability(9, {"o": 1})}, ("A",)),
        ({"ability": Ability(9, {"t": 0})}, ("A", "B")),
        ({"rules": DispatchRules(types={"o": TypeRule(max_running=1)}),
          "permits": {"type:o": Permit(frozenset({"H@1"}))}}, ()),
        ({"rules": DispatchRules(types={"o": TypeRule(max_running=2)}),
          "permits": {"type:o": Permit(frozenset({"H@1"}))}}, ("A",)),
        ({"rules": DispatchRules(types={"o": TypeRule(max_running=1)}),
          "permits": {"type:o": Permit(frozenset({"GONE@1"}))}}, ("A",)),
    ],
)  # fmt: skip
def test_jobs_that_their_type_holds_back_are_not_ahead(
    parts: dict[str, object], ahead: tuple[str, ...]
) -> None:
    at = _at(**{"ability": Ability(9), "queues": (_ahead("A", "B"),), **parts})  # type: ignore[arg-type]
    line = line_of(Candidate("J", 0, OF_T), at, {"GONE"})
    assert tuple(each.job_id for each in line.ahead) == ahead
    assert line.is_reached


@pytest.mark.parametrize(
    ("limits", "permits", "ahead"),
    [
        ((1, 1), {}, ("A",)),
        ((2, 2), {}, ("A", "B")),
        ((1, 2), {}, ("A",)),
        ((1, 1), {"key:k": Permit(frozenset({"H@1@1"}))}, ()),
        ((2, 2), {"key:k": Permit(frozenset({"H@1@2"}))}, ("A",)),
        ((1, 1), {"key:k": Permit(frozenset({"GONE@1@1"}))}, ("A",)),
        ((1, 1), {"key:other": Permit(frozenset({"H@1@1"}))}, ("A",)),
    ],
)
def test_jobs_that_their_key_holds_back_are_not_ahead(
    limits: tuple[int, int], permits: dict[str, Permit], ahead: tuple[str, ...]
) -> None:
    queue = tuple(
        Candidate(job_id, HIGH - place, Traits("o", "", "k", limit))
        for place, (job_id, limit) in enumerate(zip("AB", limits, strict=True))
    )
    me = Candidate("J", 0, Traits("t", "", "k", 1))
    line = line_of(me, _at(Ability(9), queues=(queue,), permits=permits), {"GONE"})
    assert tuple(each.job_id for each in line.ahead) == ahead
    assert line.is_reached  # its own key holds it back nowhere in the line


def test_a_job_keeps_its_place_in_its_own_lane() -> None:
    me = Candidate("J", 5, Traits("t", "", "k", 1), "key:1:k")
    first = Candidate("A", 4, OF_O, "key:1:k")  # of another share it may come first with a lower rank
    at = _at(Ability(9), queues=((first, me),), permits={"key:k": Permit(frozenset({"H@1@1"}))})
    assert line_of(me, at, frozenset()).ahead == (first,)


def test_a_job_so_far_behind_that_the_plan_does_not_reach_it_has_more_before_it() -> None:
    many = tuple(Candidate(f"A{place}", HIGH - place, OF_O) for place in range(LOOK_AT_MOST + 5))
    at = _at(Ability(9), queues=(many,))
    line = line_of(Candidate("J", 0, OF_T), at, frozenset())
    assert (len(line.ahead), line.is_reached) == (LOOK_AT_MOST, False)


@pytest.mark.parametrize(("pool", "needed"), [("p", 3), ("q", 2)])
def test_an_upstream_that_must_start_takes_a_slot_of_its_own_pool(pool: str, needed: int) -> None:
    started = replace(READY, job_id="U", pool=pool, type="o")
    line = line_of(
        Candidate("J", 0, OF_T), _at(Ability(2), active=(Active("A", OF_O, 0),)), frozenset(), (started,)
    )
    assert line.needed == needed
