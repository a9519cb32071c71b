"""A forecast steps jobs by the dispatcher's plan, learns run times, and corrects its interval."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tidegate.domain.dependency import DependencyType
from tidegate.domain.forecast.forecast import (
    FEWEST_DRAWS,
    MOST_DRAWS,
    Interval,
    draws_for,
    forecast,
    interval_of,
)
from tidegate.domain.forecast.run_times import (
    GUESSED_SECONDS,
    PRIOR_SPREAD,
    Ended,
    RunTime,
    RunTimes,
    draw_ms,
    draw_remaining_ms,
    learned,
)
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool, Wait
from tidegate.domain.forecast.stepper import NEVER, Course, step, wire
from tidegate.domain.forecast.waiting import waiting
from tidegate.domain.lanes import key_lane
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.rules import DispatchRules, TypeRule
from tidegate.domain.states import State
from tidegate.domain.statistics.usual_runs import UsualOverrun
from tidegate.domain.traits import Traits

NOW_MS = 1_800_000_000_000
POOL = "p"
START, SUCCEED = DependencyType.MUST_START, DependencyType.MUST_SUCCEED


def job(number: int, *upstreams: int, state: State | None = None, **fields: object) -> SceneJob:
    """Makes the job `number` of a workflow, READY or PENDING unless another state is given."""
    made = SceneJob(
        job_id=f"w.{number}",
        state=state or (State.PENDING if upstreams else State.READY),
        pool=POOL,
        priority=100,
        traits=Traits("t"),
        rank=rank(RankPolicy(), 100, NOW_MS, 0, place=number),
        waits=tuple(Wait(f"w.{each}", SUCCEED) for each in upstreams),
        place=number,
        estimate_seconds=1.0,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def scene(jobs: Sequence[SceneJob], slots: int = 1, window: int | None = None, **fields: object) -> Scene:
    pool = ScenePool(slots=slots, window=window or slots)
    made = Scene(now_ms=NOW_MS, jobs=tuple(jobs), pools={POOL: pool, "q": pool})
    return replace(made, **fields)  # type: ignore[arg-type]


def stepped(of: Scene, *remaining_ms: int) -> Course:
    return step(wire(of), remaining_ms or [10] * len(of.jobs), random.Random(1).random)


def starts(course: Course) -> list[float]:
    return [at_ms - NOW_MS for at_ms in course.starts_ms]


def test_jobs_start_after_their_upstreams_and_in_the_order_of_their_ranks() -> None:
    urgent = job(2, rank=rank(RankPolicy(), 900, NOW_MS, 0))
    course = stepped(scene([job(0), job(1, 0), urgent]), 10, 20, 30)
    assert starts(course) == [30, 40, 0]
    assert [at_ms - NOW_MS for at_ms in course.ends_ms] == [40, 60, 30]


def test_a_running_job_holds_its_slot_and_the_queue_goes_first() -> None:
    running = job(0, state=State.RUNNING, since_ms=NOW_MS - 5)
    queued = job(1, state=State.QUEUED, since_ms=NOW_MS - 1)
    course = stepped(scene([running, queued, job(2)], window=2), 7, 3, 1)
    assert starts(course) == [-5, 7, 10]


def test_must_start_is_satisfied_by_the_start() -> None:
    waits = (Wait("w.0", START),)
    course = stepped(scene([job(0), job(1, state=State.PENDING, waits=waits)], slots=2), 50, 5)
    assert starts(course) == [0, 0]


def test_a_job_that_runs_lets_go_at_once_who_waits_for_its_start() -> None:
    running = job(0, state=State.RUNNING, since_ms=NOW_MS - 5)
    waits = (Wait("w.0", START),)
    course = stepped(scene([running, job(1, state=State.PENDING, waits=waits)], slots=2), 50, 5)
    assert starts(course) == [-5, 0]
    assert course.ends_ms[1] == NOW_MS + 5


def test_times_holds_and_pauses_are_kept() -> None:
    later = job(0, state=State.SCHEDULED, due_at_ms=NOW_MS + 100)
    never = job(1, state=State.SCHEDULED, on_hold=True)
    after = job(2, 0, due_at_ms=NOW_MS + 500)
    assert starts(stepped(scene([later, never, after]))) == [100, NEVER, 500]
    paused = scene([job(0), job(1, state=State.RUNNING, since_ms=NOW_MS)], slots=2)
    held = stepped(replace(paused, rules=DispatchRules(paused_pools=frozenset({POOL}))))
    assert (held.starts_ms[0], held.ends_ms[1]) == (NEVER, NOW_MS + 10)
    by_type = stepped(replace(paused, rules=DispatchRules(types={"t": TypeRule(paused=True)})))
    assert by_type.starts_ms[0] == NEVER
    assert starts(stepped(scene([job(0, pool="gone"), job(1)]))) == [NEVER, 0]


def test_a_key_and_a_limit_hold_jobs_until_one_of_theirs_ends() -> None:
    keyed = Traits("t", concurrency_key="k")
    jobs = [job(0, traits=keyed), job(1, traits=keyed), job(2)]
    assert starts(stepped(scene(jobs, slots=3))) == [0, 10, 0]
    limited = DispatchRules(types={"t": TypeRule(max_running=2)})
    assert starts(stepped(scene([job(0), job(1), job(2)], slots=3, rules=limited))) == [0, 0, 10]
    # The permit of a key binds the jobs of all pools.
    elsewhere = [job(0, traits=keyed), job(1, traits=keyed, pool="q")]
    assert sorted(starts(stepped(scene(elsewhere)))) == [0, 10]
    held = [
        job(0, traits=keyed, state=State.RUNNING, since_ms=NOW_MS),
        job(1, traits=keyed, lane=key_lane("k", 1)),
    ]
    assert starts(stepped(scene(held, slots=2))) == [0, 10]


def random_scene(seed: int) -> tuple[Scene, list[int]]:
    """Draws a graph, its pools, keys, and how long its jobs run."""
    chance = random.Random(seed)
    jobs = []
    for number in range(chance.randint(1, 30)):
        upstreams = chance.sample(range(number), min(number, chance.choice([0, 0, 1, 2, 3])))
        kinds = [chance.choice([START, SUCCEED, DependencyType.CONDITIONAL]) for _ in upstreams]
        waits = tuple(Wait(f"w.{each}", kind) for each, kind in zip(upstreams, kinds, strict=True))
        key = chance.choice([None, None, "k", "l"])
        traits = Traits(chance.choice("tu"), chance.choice(["", "s"]), key, chance.randint(1, 2))
        jobs.append(job(number, *upstreams, waits=waits, traits=traits, pool=chance.choice("pq")))
    rules = DispatchRules(types={"u": TypeRule(max_running=chance.randint(1, 2))})
    slots = chance.randint(1, 4)
    drawn = scene(jobs, slots=slots, window=slots + chance.randint(0, 3), rules=rules)
    return drawn, [chance.choice([0, 5, 10, 1_000]) for _ in jobs]


@pytest.mark.parametrize("seed", range(150))
def test_no_course_breaks_a_promise(seed: int) -> None:
    of, remaining_ms = random_scene(seed)
    course = stepped(of, *remaining_ms)
    numbers = wire(of).numbers
    ways = list(zip(of.jobs, course.starts_ms, course.ends_ms, remaining_ms, strict=True))
    for each, start, end, ran_ms in ways:
        assert end == start + ran_ms < NEVER, "everything ends"
        for wait in each.waits:
            upstream = numbers[wait.upstream_id]
            earliest = course.starts_ms if wait.type is START else course.ends_ms
            assert start >= earliest[upstream]
    for moment in {start for _, start, _, _ in ways}:
        running = [each for each, start, end, _ in ways if start <= moment < end]
        for pool in "pq":
            assert sum(each.pool == pool for each in running) <= of.pools[pool].slots
        assert sum(each.traits.type == "u" for each in running) <= (of.rules.type_rule("u").max_running or 0)
        for key in "kl":
            holders = [
                each.traits.concurrency_limit for each in running if each.traits.concurrency_key == key
            ]
            assert len(holders) <= max(holders, default=0)


def test_a_forecast_is_the_same_for_the_same_seed_and_its_bounds_are_in_order() -> None:
    of, _ = random_scene(3)
    ids = [each.job_id for each in of.jobs]
    found = forecast(of, RunTimes(), ids, draws=30, seed=7)
    assert found == forecast(of, RunTimes(), ids, draws=30, seed=7)
    assert found != forecast(of, RunTimes(), ids, draws=30, seed=8)
    for each in found.jobs:
        for interval in (each.start, each.end):
            assert interval is not None
            assert NOW_MS <= interval.low_ms <= interval.p50_ms <= interval.high_ms


def test_the_interval_is_made_of_quantiles_of_the_draws_between_the_two_nearest() -> None:
    made = interval_of([NOW_MS + each for each in (30.0, 10.0, 20.0, 40.0)])
    assert made == Interval(NOW_MS + 25, NOW_MS + 10, NOW_MS + 40)
    hundred = interval_of([NOW_MS + 10.0 * each for each in range(1, 100)])
    assert hundred == Interval(NOW_MS + 500, NOW_MS + 50, NOW_MS + 950)


def test_what_never_comes_has_no_interval_and_what_runs_has_no_start() -> None:
    jobs = [
        job(0, state=State.RUNNING, since_ms=NOW_MS - 500),
        job(1, state=State.SCHEDULED, on_hold=True),
    ]
    found = forecast(scene(jobs), RunTimes(), ["w.0", "w.1"], draws=20)
    assert found.jobs[0].start is None
    assert found.jobs[0].end is not None
    assert (found.jobs[1].start, found.jobs[1].end, found.end) == (None, None, None)


def test_fewer_courses_are_drawn_of_more_jobs() -> None:
    assert [draws_for(count) for count in (0, 1, 5_000, 10_000, 1_000_000)] == [
        MOST_DRAWS, MOST_DRAWS, 40, FEWEST_DRAWS, FEWEST_DRAWS,
    ]  # fmt: skip


def test_nothing_that_ended_leaves_the_prior() -> None:
    nothing = learned([Ended("t", 10.0, 0.0)])
    assert nothing.of("t", 10.0) == RunTime(10.0, PRIOR_SPREAD)
    assert nothing.of("t", None).median_seconds == GUESSED_SECONDS
    assert nothing.of("t", None).is_guess


def test_estimates_are_corrected_only_where_the_ended_jobs_are_sure() -> None:
    chance = random.Random(1)
    ended = [Ended("slow", 10.0, 20.0 * chance.lognormvariate(0, 0.2)) for _ in range(50)]
    ended += [Ended("fair", 10.0, 10.0 * chance.lognormvariate(0, 0.2)) for _ in range(50)]
    found = learned(ended)
    assert found.of("slow", 30.0).median_seconds == pytest.approx(60.0, rel=0.05)
    assert found.of("fair", 30.0).median_seconds == pytest.approx(30.0, rel=0.02)
    assert found.of("unknown", 30.0).median_seconds == 30.0
    assert found.spread == pytest.approx(0.2, abs=0.05)
    usual = found.of("slow", None)
    assert usual.median_seconds == pytest.approx(20.0, rel=0.1)
    assert not usual.is_guess


def test_earlier_jobs_of_a_type_teach_its_bias_and_its_spread() -> None:
    past = {"slow": UsualOverrun(1_000, 2.0, 0.6), "near": UsualOverrun(20, 1.1, 0.5)}
    found = learned([], past)
    assert found.of("slow", 30.0).median_seconds == pytest.approx(60.0, rel=0.02)
    assert found.of("slow", 30.0).spread == 0.6
    assert found.of("near", 30.0) == RunTime(30.0, 0.5), "such a bias may be chance"
    assert found.of("unknown", 30.0) == RunTime(30.0, PRIOR_SPREAD)
    # Jobs of the workflow itself go on from there: four times the estimate, with little spread.
    chance = random.Random(1)
    own = [Ended("slow", 10.0, 40.0 * chance.lognormvariate(0, 0.1)) for _ in range(400)]
    own += [Ended("new", 10.0, 10.0 * chance.lognormvariate(0, 0.1)) for _ in range(400)]
    found = learned(own, past)
    assert found.of("slow", 30.0).median_seconds == pytest.approx(120.0, rel=0.02)
    assert 0.1 < found.of("slow", 30.0).spread < 0.35
    assert found.of("new", 30.0).spread == pytest.approx(0.1, abs=0.03)


def test_run_times_are_drawn_around_their_median_and_beyond_what_has_passed() -> None:
    chance = random.Random(2)
    drawn = sorted(draw_ms(RunTime(10.0, 0.5), chance) for _ in range(4_001))
    assert drawn[2_000] == pytest.approx(10_000, rel=0.05)
    # Beyond 20 s the median of a log-normal of 10 s and 0.5 is at the quantile (1 + P(20 s)) / 2, 23.7 s.
    beyond = sorted(draw_remaining_ms(RunTime(10.0, 0.5), 20_000, chance) for _ in range(4_001))
    assert beyond[0] >= 0
    assert 20_000 + beyond[2_000] == pytest.approx(23_700, rel=0.02)
    assert draw_remaining_ms(RunTime(0.0, 0.5), 5, chance) == 0
    assert draw_remaining_ms(RunTime(10.0, 0.0), 4_000, chance) == 6_000
    far = [draw_remaining_ms(RunTime(0.001, 0.3), 3_600_000, chance) for _ in range(100)]
    assert 0 < sum(far) / 100 < 3_600_000


def test_dependencies_are_judged_and_skips_go_on() -> None:
    complete, conditional = DependencyType.MUST_COMPLETE, DependencyType.CONDITIONAL
    edges = {
        "b": [Wait("a", SUCCEED)],
        "c": [Wait("b", SUCCEED), Wait("d", SUCCEED)],
        "e": [Wait("b", complete), Wait("d", SUCCEED)],
        "f": [Wait("a", conditional)],
        "g": [Wait("b", START)],
        "h": [Wait("a", START)],  # its upstream began, and failed later
    }
    found = waiting(edges, {"a": State.FAILED})
    assert found.skipped == {"b", "c", "g"}
    assert found.waits == {"e": (Wait("d", SUCCEED),), "f": (), "h": ()}
    assert waiting(edges, {"a": State.SUCCEEDED}).waits["c"] == (Wait("b", SUCCEED), Wait("d", SUCCEED))
