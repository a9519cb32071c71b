"""The usual run of a type: a median and a 99th percentile, once enough of its jobs have run."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import READY
from tidegate.domain.job import EstimateSource
from tidegate.domain.states import State
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import RELATIVE_ERROR, histogram_of
from tidegate.domain.statistics.rollup import OTHER, Rollup
from tidegate.domain.statistics.usual_runs import (
    MIN_RUNS,
    MIN_RUNS_OF_P99,
    Straggler,
    UsualOverrun,
    UsualRun,
    slow_after_seconds,
    straggler_of,
    usual_overrun,
    usual_runs,
)

NOW_MS = 1_700_000_000_000


def rollup(*runs_ms: int, job_type: str = "a") -> Rollup:
    return Rollup({job_type: Figures(succeeded=len(runs_ms), run=histogram_of(runs_ms))})


def test_the_runs_of_all_rollups_count_together() -> None:
    half = MIN_RUNS // 2
    usual = usual_runs([rollup(*[1_000] * half), rollup(*[5_000] * half, 5_000), rollup(7_000, job_type="b")])
    assert usual.keys() == {"a"}
    assert usual["a"].runs == MIN_RUNS + 1
    assert usual["a"].median_seconds == pytest.approx(5.0, rel=RELATIVE_ERROR)
    assert usual["a"].p99_seconds is None


def test_runs_against_their_estimates_have_a_median_and_a_spread() -> None:
    chance = random.Random(1)
    overruns = [round(1_500 * chance.lognormvariate(0, 0.3)) for _ in range(1_000)]
    halves = [
        Rollup({"a": Figures(succeeded=500, run=histogram_of([1_000] * 500), overrun=histogram_of(each))})
        for each in (overruns[:500], overruns[500:])
    ]
    found = usual_runs(halves)["a"].overrun
    assert found is not None
    assert found.runs == 1_000
    assert found.median == pytest.approx(1.5, rel=0.03)
    assert found.spread == pytest.approx(0.3, rel=0.1)
    failed_early = usual_overrun(histogram_of([*overruns, *[1] * 100]))
    assert failed_early is not None
    assert failed_early.spread < 0.4
    assert usual_overrun(histogram_of(overruns[: MIN_RUNS - 1])) is None
    # Runs that took no time, or all as long as each other, still have a spread.
    for equal in (0, 1_000):
        found = usual_overrun(histogram_of([equal] * MIN_RUNS))
        assert found is not None
        assert found == UsualOverrun(MIN_RUNS, found.median, RELATIVE_ERROR)
        assert found.median == pytest.approx(max(1, equal) / 1_000, rel=2 * RELATIVE_ERROR)


@pytest.mark.parametrize(
    ("bad", "median_s", "tells_overrun"),
    [
        ({}, 600.0, True),
        ({"failed": 20}, 600.0, True),
        ({"failed": 21}, 600.0, False),
        ({"timed_out": 21}, 600.0, False),
        ({"cancelled": 21}, 600.0, False),  # cancelled as they ran
        ({"failed": 15, "timed_out": 16}, 600.0, False),
        ({"failed": 79}, 600.0, False),
        ({"failed": 80}, None, False),
        ({"cancelled": 80}, None, False),
    ],
)
def test_runs_that_did_not_succeed_are_not_how_a_type_runs(
    bad: dict[str, int], median_s: float | None, tells_overrun: bool
) -> None:
    count = sum(bad.values())
    figures = Figures(
        succeeded=80,
        failed=bad.get("failed", 0),
        timed_out=bad.get("timed_out", 0),
        cancelled=bad.get("cancelled", 0),
        run=histogram_of([600_000] * 80 + [1_200] * count),
        overrun=histogram_of([1_000] * 80 + [2] * count),
    )
    usual = usual_runs([Rollup({"a": figures})]).get("a")
    assert (None if usual is None else usual.median_seconds) == (
        None if median_s is None else pytest.approx(median_s, rel=RELATIVE_ERROR)
    )
    overrun = None if usual is None else usual.overrun
    assert (overrun is not None) == tells_overrun
    assert overrun is None or overrun.median == pytest.approx(1.0, rel=2 * RELATIVE_ERROR)


def test_jobs_that_were_cancelled_before_they_ran_say_nothing_of_runs() -> None:
    runs = [1_000] * MIN_RUNS
    figures = Figures(
        succeeded=MIN_RUNS, cancelled=90, skipped=90, run=histogram_of(runs), overrun=histogram_of(runs)
    )
    usual = usual_runs([Rollup({"a": figures})])["a"]
    assert usual.overrun is not None


def test_fewer_runs_make_nothing_usual() -> None:
    assert usual_runs([rollup(*[1_000] * (MIN_RUNS - 1))]) == {}
    assert usual_runs([]) == {}


def test_types_that_are_counted_together_are_unknown() -> None:
    assert usual_runs([rollup(*[1_000] * MIN_RUNS, job_type=OTHER)]) == {}


def test_a_hundred_runs_make_a_99th_percentile() -> None:
    (few,) = usual_runs([rollup(*range(1_000, 1_000 + MIN_RUNS_OF_P99 - 1))]).values()
    (enough,) = usual_runs([rollup(*[1_000] * (MIN_RUNS_OF_P99 - 2), 9_000, 60_000)]).values()
    assert few.p99_seconds is None
    assert enough.p99_seconds == pytest.approx(9.0, rel=RELATIVE_ERROR)


def test_jobs_that_took_no_time_are_estimated_at_a_millisecond() -> None:
    (usual,) = usual_runs([rollup(*[0] * MIN_RUNS)]).values()
    assert usual.median_seconds == 0.001


@pytest.mark.parametrize(
    ("state", "started_ms", "began_ms", "usual", "straggles"),
    [
        (State.RUNNING, NOW_MS - 10_001, NOW_MS - 10_001, UsualRun(100, 1.0, 10.0), True),
        (State.RUNNING, NOW_MS - 10_000, NOW_MS - 10_000, UsualRun(100, 1.0, 10.0), False),
        (State.RUNNING, NOW_MS - 90_000, NOW_MS - 9_000, UsualRun(100, 1.0, 10.0), False),  # begun late
        (
            State.RUNNING,
            NOW_MS - 9_000,
            NOW_MS - 90_000,
            UsualRun(100, 1.0, 10.0),
            False,
        ),  # an earlier attempt
        (State.RUNNING, NOW_MS - 90_000, None, UsualRun(100, 1.0, 10.0), True),
        (State.RUNNING, None, None, UsualRun(100, 1.0, 10.0), False),
        (State.RUNNING, NOW_MS - 90_000, None, UsualRun(99, 1.0), False),
        (State.RUNNING, NOW_MS - 90_000, None, None, False),
        (State.READY, NOW_MS - 90_000, NOW_MS - 90_000, UsualRun(100, 1.0, 10.0), False),
        (State.SUCCEEDED, NOW_MS - 90_000, NOW_MS - 90_000, UsualRun(100, 1.0, 10.0), False),
    ],
)
def test_only_a_run_beyond_the_99th_percentile_straggles(
    state: State, started_ms: int | None, began_ms: int | None, usual: UsualRun | None, straggles: bool
) -> None:
    job = replace(READY, state=state, started_at_ms=started_ms, began_at_ms=began_ms)
    assert straggler_of(job, usual, NOW_MS) == (Straggler(100, 10.0) if straggles else None)


def test_an_estimate_says_where_it_comes_from() -> None:
    job = replace(READY, estimated_duration_seconds=None)
    assert job.estimate_source is None
    estimated = replace(job, estimated_duration_seconds=2.0)
    assert estimated.estimate_source is EstimateSource.CALLER
    assert replace(estimated, estimate_is_usual=True).estimate_source is EstimateSource.STATISTICS


@pytest.mark.parametrize(("p99", "after"), [(70.0, 70.0), (190.0, 80.0), (10.0, 60.0), (None, None)])
def test_a_job_is_slow_beyond_the_99th_percentile_or_four_medians_and_a_minute(
    p99: float | None, after: float | None
) -> None:
    assert slow_after_seconds(UsualRun(100, 20.0, p99)) == after
