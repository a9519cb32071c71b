"""Ten minutes before a time to finish by, the verdict says whether the time will be met.

A workflow of layers runs in four or sixteen slots. Its jobs run for their estimates, times noise that the forecast does
not know. A caller names times around the end that was forecast at the submission. The truth is a course of the stepper,
which `test_forecast_stepper` compares with the deployed use cases.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from dev.benchmarks.forecast import POOL, at, noisy_ms, scene_of, submitted
from dev.simulator.memory.seeded import START_MS
from dev.simulator.workflows.graphs import layered
from tidegate.domain.forecast.finish_by import Wanted, judge_finish
from tidegate.domain.forecast.forecast import FEWEST_DRAWS, forecast
from tidegate.domain.forecast.run_times import RunTimes, learned
from tidegate.domain.forecast.scene import Scene
from tidegate.domain.forecast.stepper import step, wire
from tidegate.domain.verdicts import FinishVerdict

AHEAD_MS = 600_000
JOBS, GRAPHS, TRUTHS, TIMES = 200, 5, 8, 4
SPREADS = (0.3, 0.5)
SHORTEST_SECONDS, LONGEST_SECONDS = 60, 300
EARLIEST, LATEST = 0.7, 1.5
"""The times that are named, as parts of the time that the workflow was forecast to take."""


def test_verdicts_ten_minutes_ahead_are_right_in_nine_of_ten_cases() -> None:
    counts: Counter[tuple[bool, bool]] = Counter()
    for slots in (4, 16):
        for graph in range(GRAPHS):
            counts.update(judged(graph, slots))
    flagged_late, flagged, late = (
        counts[True, True],
        counts[True, True] + counts[True, False],
        counts[True, True] + counts[False, True],
    )
    assert counts.total() > 200
    assert min(late, counts.total() - late) > 50
    assert flagged_late / flagged >= 0.9, f"precision: {counts}"
    assert flagged_late / late >= 0.9, f"recall: {counts}"


def judged(graph: int, slots: int) -> Iterator[tuple[bool, bool]]:
    """Yields for each time that is named whether it was flagged ten minutes before, and whether it was missed."""
    chance = random.Random(f"{graph} {slots}")
    asked = layered(JOBS, graph).jobs
    jobs = [
        replace(
            each,
            priority=None,
            estimated_duration_seconds=chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS),
        )
        for each in asked
    ]
    scene = scene_of(submitted(jobs, "own", START_MS), slots, START_MS)
    end = forecast(scene, RunTimes(), [job.job_id for job in scene.jobs], draws=FEWEST_DRAWS).end
    assert end is not None, POOL
    for truth in range(TRUTHS):
        run_ms = noisy_ms(scene.jobs, SPREADS[truth % len(SPREADS)], f"{graph} {slots} {truth}")
        course = step(wire(scene), run_ms, random.Random(truth).random)
        for _ in range(TIMES):
            by_ms = START_MS + round((end.p50_ms - START_MS) * chance.uniform(EARLIEST, LATEST))
            later, ended = at(scene, course, max(START_MS, by_ms - AHEAD_MS))
            yield is_at_risk(later, learned(ended), by_ms), max(course.ends_ms) > by_ms


def is_at_risk(scene: Scene, run_times: RunTimes, by_ms: int) -> bool:
    """Tells whether a scene in which all jobs have to end by `by_ms` is flagged."""
    if not scene.jobs:
        return False
    wanted = Wanted([job.job_id for job in scene.jobs], by_ms)
    found = forecast(scene, run_times, wanted.job_ids, draws=FEWEST_DRAWS)
    judged = judge_finish(scene, run_times, wanted, found.ends_ms, window=1.0, is_over=lambda: True)
    return judged.verdict is not FinishVerdict.ON_COURSE
