"""The benchmarks that run in the simulator measure what they claim on small inputs, and can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dev.benchmarks import forecast, growth, priority, quality
from dev.benchmarks.quality import Yardstick
from dev.simulator.growth import run_and_check, simulator_for
from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.workflows.graphs import fan, unconnected
from dev.simulator.workflows.traces import SAMPLES, Trace, read_trace, sample_files
from tidegate.domain.forecast.forecast import Interval
from tidegate.domain.requests import DependencyRequest, JobRequest

README = """
## Simulated makespans

| instance | W | lower bound s | set by | tighter bound s | fifo s | priority-cp s | heft-like s | fifo, shuffled ties |
|---|--:|--:|---|--:|--:|--:|--:|---|
| one | 4 | 1,307.36 | path | 407.18 | 410.47 (1.335) | 1,409.83 (1.333) | 409.83 (1.333) | 1.333-1.337 |
| two | 16 | 1.00 | work | 1.00 | 1.00 (1.000) | 1.00 (1.000) | 1.00 (1.000) | 1.000-1.000 |

more
"""


def trace_of(tasks: dict[str, tuple[float, str]]) -> Trace:
    """Makes a trace of tasks with their run times and, for some, one parent each."""
    jobs = tuple(
        JobRequest(
            type=JOB_TYPE,
            key=key,
            estimated_duration_seconds=seconds,
            depends_on=(DependencyRequest(key=parent),) if parent else (),
        )
        for key, (seconds, parent) in tasks.items()
    )
    return Trace("made-up", jobs, {key: seconds for key, (seconds, _) in tasks.items()})


def test_the_table_of_yardsticks_is_read() -> None:
    assert quality.read_yardsticks(README) == {
        ("one", 4): Yardstick(1_307.36, 410.47, 1_409.83),
        ("two", 16): Yardstick(1.0, 1.0, 1.0),
    }


def test_the_weight_starts_the_long_chain_first_where_plain_order_does_not() -> None:
    trace = trace_of(
        {"a-head": (1.0, ""), "a-tail": (9.0, "a-head"), **{f"b-{n}": (2.0, "") for n in range(5)}}
    )
    assert quality.makespan_seconds(trace, 2, 1.0) == 10.0
    worst = max(
        quality.makespan_seconds(trace, 2, 0.0, quality.shuffled(trace.jobs, seed)) for seed in range(9)
    )
    assert worst > 10.0


def test_a_goal_that_is_missed_is_said() -> None:
    trace = trace_of({"only": (5.0, "")})
    cell = quality.measure(trace, 1, Yardstick(5.0, 5.0, 5.0), orders=2)
    assert all(goal.holds for goal in quality.report_of([cell]).goals)
    missed = replace(cell, yardstick=Yardstick(4.0, 4.0, 4.0))
    assert not any(goal.holds for goal in quality.report_of([missed]).goals)


@pytest.mark.skipif(not sample_files(), reason="the WfFormat samples are not beside the project")
@pytest.mark.parametrize("file", sample_files(), ids=lambda file: file.stem)
def test_with_the_weight_every_sample_is_within_two_percent_of_its_list_schedule(file: Path) -> None:
    yardsticks = quality.read_yardsticks((SAMPLES / "README.md").read_text(encoding="utf-8"))
    trace = read_trace(file)
    for slots in quality.SLOTS:
        best = yardsticks[quality.instance_name(trace), slots].critical_path
        seconds = quality.makespan_seconds(trace, slots, quality.JUDGED_WEIGHT)
        assert seconds <= quality.ALLOWED_RATIO * best, slots


@pytest.mark.parametrize("setup", [priority.Setup(4, 1.5, 0), priority.Setup(8, 2.0, 1_000, shards=4)])
def test_no_more_than_the_window_starts_ahead_of_an_urgent_job(setup: priority.Setup) -> None:
    ahead = [count for seed in range(5) for count in priority.starts_ahead(setup, seed)]
    assert 0 < max(ahead) <= setup.window_slots


def test_without_a_window_more_starts_ahead() -> None:
    ahead = priority.starts_ahead(priority.Setup(4, priority.NO_WINDOW), seed=1)
    assert max(ahead) > 8


def test_the_bytes_of_an_ended_job_are_those_of_its_items() -> None:
    simulator = simulator_for([unconnected(3)])
    run_and_check(simulator, 3)
    sizes = [growth.stored_bytes(simulator.world, job) for job in simulator.world.jobs.values()]
    assert all(300 < size < 1_024 for size in sizes)


def test_dependents_that_overflow_count() -> None:
    simulator = simulator_for([fan(300)])
    run_and_check(simulator, 302)
    (root,) = [job for job in simulator.world.jobs.values() if job.key == "root"]
    assert growth.stored_bytes(simulator.world, root) > 1_024


def test_growth_is_judged_by_its_fit() -> None:
    runs = [
        growth.Run(shape, jobs, 0, round(jobs**power), 400 * jobs)
        for shape, power in zip(growth.SHAPES, (1.0, 1.0, 1.0, 1.2), strict=True)
        for jobs in (1_000, 10_000)
    ]
    assert [goal.holds for goal in growth.report_of(runs).goals] == [True] * 3 + [False] + [True] * 4


def test_forecasts_are_judged_by_truths_that_taught_nothing() -> None:
    tasks = {"a": (4.0, ""), "b": (8.0, "a"), "c": (2.0, "a"), "d": (6.0, "b")}
    judged, oracle = forecast.measure([trace_of(tasks), trace_of({"only": (5.0, "")})], truths=3)
    assert (len(judged), len(oracle)) == (16, 8)
    assert {cell.moment: len(each) for cell, each in judged.items()} == {
        "start": 6 * forecast.STARTS,
        "half-way": 6,
    }
    alone = judged[forecast.Cell(4, "alone", 0.3, "start")]
    assert {one.interval for one in alone[:3]} == {alone[0].interval}, "one question at the start"
    assert len({one.actual_ms for one in alone[:3]}) == 3
    half_way = judged[forecast.Cell(4, "behind", 0.3, "half-way")]
    assert all(one.began_ms < one.asked_ms < one.actual_ms for one in half_way)
    for cell, each in oracle.items():
        assert [one.actual_ms for one in each] == [one.actual_ms for one in judged[cell]], "the same truths"
    report = forecast.report_of(judged, oracle, seconds=1.0, apart=0.0)
    assert [goal.holds for goal in report.goals[5:]] == [True, True]
    assert [goal.holds for goal in forecast.report_of(judged, oracle, 11.0, 0.001).goals[5:]] == [
        False,
        False,
    ]


def test_an_interval_holds_what_lies_between_its_bounds_and_tells_by_how_much_it_is_too_narrow() -> None:
    one = forecast.Judged("made-up", 1_000, 0, Interval(2_000, 1_500, 3_000), 4_000)
    assert one.error == 0.5
    assert one.error_of_rest == pytest.approx(2 / 3)
    assert (one.is_held, one.ratios.factor) == (False, 1.5)
    early = replace(one, actual_ms=1_250)
    assert (early.is_held, early.ratios.factor) == (False, 2.0)
    assert all(replace(one, actual_ms=each).is_held for each in (1_500, 3_000))


def test_the_steppers_ends_are_those_of_the_simulator() -> None:
    tasks = {"a": (4.0, ""), "b": (8.0, "a"), "c": (2.0, "a"), "d": (6.0, "b"), "e": (3.3, "")}
    assert forecast.furthest_from_simulator([trace_of(tasks)]) == 0.0
