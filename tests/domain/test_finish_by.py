"""A time is judged by the draws of a forecast, and changes are tried where it is at risk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.domain.test_forecast import NOW_MS, POOL, job, scene
from tidegate.domain import limits
from tidegate.domain.forecast import forecast as of_forecast
from tidegate.domain.forecast.finish_by import FinishBy, Wanted, judge_finish
from tidegate.domain.forecast.forecast import draws_for, forecast, part_by
from tidegate.domain.forecast.run_times import RunTimes
from tidegate.domain.forecast.scene import Scene, ScenePool
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.rules import DispatchRules, TypeRule
from tidegate.domain.states import State
from tidegate.domain.traits import Traits
from tidegate.domain.verdicts import FinishVerdict

SURE = RunTimes(spread=1e-9)
"""Jobs run for their estimates, so an end is certain."""


def judged(of: Scene, wanted: Sequence[str], seconds: float, run_times: RunTimes = SURE) -> FinishBy:
    found = forecast(of, run_times, wanted, draws=20)
    at_ms = NOW_MS + round(seconds * 1_000)
    return judge_finish(of, run_times, Wanted(wanted, at_ms), found.ends_ms, window=1.0)


def test_the_probability_is_the_part_of_the_draws_that_end_in_time() -> None:
    alone, spread = scene([job(0)]), RunTimes()
    found = forecast(alone, spread, ["w.0"], draws=20)
    assert found.end is not None
    for by_ms, least, most in ((found.end.low_ms, 0.0, 0.1), (found.end.high_ms, 0.9, 1.0)):
        part = judged(alone, ["w.0"], (by_ms - NOW_MS) / 1_000, spread).probability
        assert least <= part <= most
    assert judged(alone, ["w.0"], (found.end.p50_ms - NOW_MS) / 1_000, spread).probability == 0.5


def test_a_draw_that_never_ends_is_late_and_the_others_count() -> None:
    times_ms = [NOW_MS + 10, NOW_MS + 20, math.inf, math.inf]
    assert [part_by(times_ms, NOW_MS + each) for each in (9, 10, 19, 20)] == [0.0, 0.25, 0.25, 0.5]


@pytest.mark.parametrize(
    ("seconds", "verdict", "probability"),
    [
        (3.0, FinishVerdict.ON_COURSE, 1.0),
        (2.9, FinishVerdict.AT_RISK, 0.0),
        (0.9, FinishVerdict.IMPOSSIBLE, 0.0),
        (0.0, FinishVerdict.MISSED, 0.0),
    ],
)
def test_three_jobs_one_after_the_other_for_want_of_slots(
    seconds: float, verdict: FinishVerdict, probability: float
) -> None:
    found = judged(scene([job(each) for each in range(3)]), ["w.0", "w.1", "w.2"], seconds)
    assert (found.verdict, found.probability) == (verdict, probability)
    assert found.earliest_ms == (NOW_MS + 1_000 if verdict is FinishVerdict.IMPOSSIBLE else None)


def test_a_chain_ends_no_earlier_with_more_slots() -> None:
    found = judged(scene([job(0), job(1, 0), job(2, 1)], slots=8), ["w.2"], 2.5)
    assert (found.verdict, found.earliest_ms, found.helps) == (
        FinishVerdict.IMPOSSIBLE,
        NOW_MS + 3_000,
        (),
    )


def test_a_higher_priority_helps_behind_others_and_brings_its_upstreams_with_it() -> None:
    others = [
        job(each, priority=500, rank=rank(RankPolicy(), 500, NOW_MS, 0, place=each)) for each in range(5)
    ]
    found = judged(scene([*others, job(5), job(6, 5)]), ["w.6"], 3.5)
    assert found.verdict is FinishVerdict.AT_RISK
    (raised, more) = found.helps
    assert (raised.priority, raised.probability, raised.add_slots) == (limits.MAX_PRIORITY, 1.0, None)
    assert (more.priority, more.probability) == (None, 1.0)
    assert more.add_slots == {POOL: 3}  # twice as many are too few


def test_only_changes_that_help_are_named() -> None:
    found = judged(scene([job(each) for each in range(3)]), ["w.0", "w.1", "w.2"], 2.5)
    assert [(each.priority, each.add_slots) for each in found.helps] == [(None, {POOL: 1})]
    highest = [job(each, priority=limits.MAX_PRIORITY) for each in range(3)]
    assert len(judged(scene(highest), ["w.0", "w.1", "w.2"], 2.5).helps) == 1


@pytest.mark.parametrize(
    "of",
    [
        scene([job(0)], rules=DispatchRules(paused_pools=frozenset({POOL}))),
        scene([job(0)], rules=DispatchRules(types={"t": TypeRule(paused=True)})),
        scene([job(0, state=State.SCHEDULED, on_hold=True)]),
        scene([job(0, pool="gone")]),
        scene([replace(job(0), traits=Traits("t", concurrency_key="k")), job(1)], slots=0),
    ],
    ids=["paused pool", "paused type", "on hold", "pool gone", "no slot"],
)
def test_what_somebody_can_lift_makes_no_time_impossible(of: Scene) -> None:
    found = judged(of, ["w.0"], 2.0)
    assert (found.verdict, found.probability) == (FinishVerdict.AT_RISK, 0.0)


def test_a_due_time_that_comes_too_late_makes_it_impossible() -> None:
    late = scene([job(0, state=State.SCHEDULED, due_at_ms=NOW_MS + 60_000)])
    found = judged(late, ["w.0"], 30.0)
    assert (found.verdict, found.earliest_ms) == (FinishVerdict.IMPOSSIBLE, NOW_MS + 61_000)


def test_a_due_time_is_left_where_a_hold_is_lifted() -> None:
    held = job(0, state=State.SCHEDULED, on_hold=True, due_at_ms=NOW_MS + 60_000)
    found = judged(scene([held]), ["w.0"], 30.0)
    assert (found.verdict, found.earliest_ms) == (FinishVerdict.IMPOSSIBLE, NOW_MS + 61_000)


def test_a_change_without_an_effect_is_not_named_where_the_changed_scenes_have_fewer_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        of_forecast, "JOBS_DRAWN", 240
    )  # as many jobs as would make the draws fewer take too long
    of, spread = scene([job(each) for each in range(4)], slots=4), RunTimes()
    draws = draws_for(len(of.jobs))
    assert (draws, draws_for(5 * len(of.jobs))) == (60, 20)
    found = forecast(of, spread, ["w.0"], draws=draws)
    for milliseconds in range(600, 1_000, 10):
        wanted = Wanted(["w.0"], NOW_MS + milliseconds)
        assert judge_finish(of, spread, wanted, found.ends_ms, window=1.0).helps == ()


def test_a_dispatched_job_that_waits_for_a_slot_is_helped_by_one_more() -> None:
    runs = job(0, state=State.RUNNING, estimate_seconds=600.0, since_ms=NOW_MS)
    found = judged(scene([runs, job(1, state=State.QUEUED, estimate_seconds=60.0)]), ["w.1"], 200.0)
    assert found.probability == 0.0
    assert [(each.add_slots, each.probability) for each in found.helps] == [({POOL: 1}, 1.0)]


def test_no_priority_is_named_that_the_share_of_a_job_may_not_have() -> None:
    others = [
        job(each, priority=500, rank=rank(RankPolicy(), 500, NOW_MS, 0, place=each)) for each in range(5)
    ]
    own = job(5, traits=Traits("t", share="s"))
    for highest, named in ((600, [600]), (300, []), (100, [])):
        pool = ScenePool(slots=1, window=1, highest={"s": highest})
        found = judged(scene([*others, own], pools={POOL: pool}), ["w.5"], 2.5)
        assert [each.priority for each in found.helps if each.priority is not None] == named


@pytest.mark.parametrize(("most", "named"), [(3, [{POOL: 1}]), (2, []), (1, [])])
def test_no_more_slots_are_named_than_a_what_if_takes(
    monkeypatch: pytest.MonkeyPatch, most: int, named: Sequence[object]
) -> None:
    monkeypatch.setattr(limits, "MAX_WHAT_IF_SLOTS", most)
    jobs = [job(each) for each in range(6)]
    found = judged(scene(jobs, slots=2), [each.job_id for each in jobs], 2.5)
    assert (found.verdict, [each.add_slots for each in found.helps]) == (FinishVerdict.AT_RISK, named)


def test_nothing_is_tried_once_the_time_of_the_answer_is_over() -> None:
    of = scene([job(0), job(1), job(2)])
    wanted = Wanted(["w.2"], NOW_MS + 2_500)
    found = forecast(of, SURE, wanted.job_ids, draws=20)
    late = judge_finish(of, SURE, wanted, found.ends_ms, window=1.0, is_over=lambda: True)
    assert (late.verdict, late.helps) == (FinishVerdict.AT_RISK, ())


@pytest.mark.parametrize(
    ("seconds", "asked"), [(0.5, 1), (2.5, 21)], ids=["the scene without waits", "the first change"]
)
def test_a_trial_that_was_cut_short_tells_nothing(seconds: float, asked: int) -> None:
    others = [
        job(each, priority=500, rank=rank(RankPolicy(), 500, NOW_MS, 0, place=each)) for each in range(3)
    ]
    of, wanted = scene([*others, job(3)]), Wanted(["w.3"], NOW_MS + round(seconds * 1_000))
    found = forecast(of, SURE, wanted.job_ids, draws=20)
    answers = iter([False] * asked)  # it is asked before each trial, and after each draw but the last
    late = judge_finish(of, SURE, wanted, found.ends_ms, window=1.0, is_over=lambda: next(answers, True))
    assert (late.verdict, late.helps) == (FinishVerdict.AT_RISK, ())
    assert next(answers, None) is None
