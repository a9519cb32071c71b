"""Measures how good forecasts are: how often the interval holds what comes, and how far the median is off.

Recorded workflows are the samples beside the project (../shared/wfinstances). In each truth every job runs for its
recorded time, times log-normal noise. The forecaster knows the recorded times as estimates, and neither the noise nor
its spread. It forecasts the end at the submission and half-way, alone and behind another workflow that was submitted
just before. Its intervals are corrected by the errors of truths that are not judged. The truths are stepped by the
forecast's own stepper; for some of them the simulator, in which the deployed use cases run, must give the same end.

Writes dev/benchmarks/results/forecast.json. Exits with 1 where a goal does not hold, and with 2 where the samples are
not beside the project.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dev.benchmarks.conformal import PastRatios, widening
from dev.benchmarks.quality import instance_name, makespan_seconds
from dev.benchmarks.report import BenchmarkReport, Goal, Range, RangeChart, Table, finish
from dev.simulator.memory.seeded import START_MS
from dev.simulator.workflows.graphs import layered
from dev.simulator.workflows.traces import Trace, read_trace, sample_files
from tidegate.domain.dependency import DependencyType
from tidegate.domain.forecast.forecast import COVERAGE, Interval, draws_for, forecast
from tidegate.domain.forecast.run_times import Ended, RunTimes, learned
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool, Wait
from tidegate.domain.forecast.stepper import Course, step, wire
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.requests import JobRequest
from tidegate.domain.states import State
from tidegate.domain.traits import Traits

SLOTS = (4, 16)
SPREADS = (0.3, 0.5)
TRUTHS = 20
MOMENTS = ("start", "half-way")
PLACES = ("alone", "behind")
POOL = "lambda"
AHEAD_MS = 1_000  # how much earlier the other workflow was submitted
PRIORITY = 500
LARGE_JOBS, LARGE_DRAWS, LARGE_SLOTS = 10_000, 30, 100
LOW, HIGH = 0.85, 0.95
EXAMPLE = "example: python -m dev.benchmarks.forecast --truths 5"


@dataclass(frozen=True, slots=True)
class Cell:
    """One way in which the samples run and are forecast."""

    slots: int
    place: str
    spread: float
    moment: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One forecast of an end, and what came. Times are in milliseconds since the epoch, `began_ms` of the workflow."""

    instance: str
    asked_ms: int
    began_ms: int
    interval: Interval
    actual_ms: int

    @property
    def ratios(self) -> PastRatios:
        """Returns the actual time left over the bounds of the interval."""
        actual = max(1, self.actual_ms - self.asked_ms)
        low, high = (max(1, each - self.asked_ms) for each in (self.interval.low_ms, self.interval.high_ms))
        return PastRatios(actual / low, actual / high)

    @property
    def error(self) -> float:
        """Returns how far the median is off, as a part of the whole time of the workflow."""
        return abs(self.interval.p50_ms - self.actual_ms) / (self.actual_ms - self.began_ms)

    @property
    def error_of_rest(self) -> float:
        """Returns how far the median is off, as a part of the time that was left."""
        return abs(self.interval.p50_ms - self.actual_ms) / max(1, self.actual_ms - self.asked_ms)

    def holds(self, factor: float) -> bool:
        """Says whether the interval, widened by `factor`, holds what came."""
        return self.ratios.factor <= factor


def submitted(jobs: Sequence[JobRequest], workflow: str, at_ms: int) -> tuple[SceneJob, ...]:
    """Returns the jobs of a workflow as they are when it has just been submitted."""
    ids = {job.key: f"{workflow}.{place}" for place, job in enumerate(jobs)}
    return tuple(
        SceneJob(
            job_id=ids[job.key],
            state=State.PENDING if job.depends_on else State.READY,
            pool=POOL,
            priority=job.priority or PRIORITY,
            traits=Traits(job.type),
            rank=rank(RankPolicy(), job.priority or PRIORITY, at_ms, 0, place=place),
            waits=tuple(Wait(ids[edge.key], DependencyType.MUST_SUCCEED) for edge in job.depends_on),
            place=place,
            estimate_seconds=job.estimated_duration_seconds,
        )
        for place, job in enumerate(jobs)
    )


def scene_of(jobs: Sequence[SceneJob], slots: int, now_ms: int) -> Scene:
    """Returns a scene with one pool whose window is its slots."""
    return Scene(now_ms=now_ms, jobs=tuple(jobs), pools={POOL: ScenePool(slots=slots, window=slots)})


def at(scene: Scene, course: Course, moment_ms: int) -> tuple[Scene, list[Ended]]:
    """Returns the scene as it is at a moment of a course, and the jobs that have ended by then."""
    ends = {job.job_id: end for job, end in zip(scene.jobs, course.ends_ms, strict=True)}
    left: list[SceneJob] = []
    ended: list[Ended] = []
    for job, start, end in zip(scene.jobs, course.starts_ms, course.ends_ms, strict=True):
        if end <= moment_ms:
            ended.append(Ended(job.traits.type, job.estimate_seconds, (end - start) / 1_000))
            continue
        waits = tuple(wait for wait in job.waits if ends[wait.upstream_id] > moment_ms)
        if start <= moment_ms:
            left.append(replace(job, state=State.RUNNING, since_ms=int(start), waits=()))
        elif waits or not job.waits:
            left.append(replace(job, waits=waits))
        else:
            ready_ms = int(max(ends[wait.upstream_id] for wait in job.waits))
            order = rank(scene.policy, job.priority, ready_ms, 0, job.boost_millipoints, place=job.place)
            left.append(replace(job, state=State.READY, rank=order, waits=()))
    return replace(scene, now_ms=moment_ms, jobs=tuple(left)), ended


def noisy_ms(jobs: Sequence[SceneJob], spread: float, seed: str) -> list[int]:
    """Returns how long each job runs in one truth: its estimate times log-normal noise, in milliseconds."""
    chance = random.Random(seed)  # seeded, so that the run can be repeated  # nosec B311
    return [round((job.estimate_seconds or 0.0) * 1_000 * chance.lognormvariate(0.0, spread)) for job in jobs]


@dataclass(frozen=True, slots=True)
class Subject:
    """A workflow to forecast: its jobs, those of the one before it, and how many slots there are."""

    instance: str
    own: tuple[SceneJob, ...]
    others: tuple[SceneJob, ...]
    slots: int

    @property
    def scene(self) -> Scene:
        """Returns the scene just after the submission."""
        return scene_of((*self.others, *self.own), self.slots, START_MS)

    def forecast(self, scene: Scene, run_times: RunTimes, factor: float = 1.0) -> Interval:
        """Returns the forecast end of the workflow, as an answer of the API has it but for the correction."""
        own = {job.job_id for job in self.own}
        wanted = [job.job_id for job in scene.jobs if job.job_id in own]
        draws = draws_for(len(scene.jobs))
        found = forecast(scene, run_times, wanted, draws=draws, widening=factor).end
        if found is None:
            raise LookupError(f"a job of {self.instance} never runs")
        return found

    def judge(self, spread: float, seeds: Sequence[int]) -> Iterator[tuple[str, Judged]]:
        """Yields the forecasts of each truth, by their moments."""
        scene = self.scene
        wiring, own = wire(scene), range(len(self.others), len(scene.jobs))
        at_start = self.forecast(scene, RunTimes())
        for seed in seeds:
            run_ms = noisy_ms(scene.jobs, spread, f"{self.instance} {self.slots} {len(self.others)} {seed}")
            course = step(wiring, run_ms, random.Random(seed).random)  # nosec B311
            actual_ms = int(max(course.ends_ms[number] for number in own))
            yield "start", Judged(self.instance, START_MS, START_MS, at_start, actual_ms)
            half_ms = (START_MS + actual_ms) // 2
            later, ended = at(scene, course, half_ms)
            half_way = self.forecast(later, learned(ended))
            yield "half-way", Judged(self.instance, half_ms, START_MS, half_way, actual_ms)


def subjects_of(traces: Sequence[Trace], slots: int, place: str) -> Iterator[Subject]:
    """Yields each sample, alone or behind the next one of the list."""
    for number, trace in enumerate(traces):
        other = traces[(number + 1) % len(traces)]
        others = submitted(other.jobs, "other", START_MS - AHEAD_MS) if place == "behind" else ()
        yield Subject(instance_name(trace), submitted(trace.jobs, "own", START_MS), others, slots)


def measure(traces: Sequence[Trace], truths: int) -> tuple[dict[Cell, list[Judged]], dict[Cell, float]]:
    """Judges `truths` truths of every sample in every cell, after learning from as many others."""
    judged: dict[Cell, list[Judged]] = {}
    learnt: dict[Cell, float] = {}
    for slots in SLOTS:
        for place in PLACES:
            subjects = list(subjects_of(traces, slots, place))
            for spread in SPREADS:
                sys.stderr.write(f"forecast: {slots} slots, {place}, spread {spread}\n")
                cells = {moment: Cell(slots, place, spread, moment) for moment in MOMENTS}
                past: dict[str, list[PastRatios]] = {moment: [] for moment in MOMENTS}
                for subject in subjects:
                    for moment, each in subject.judge(spread, range(truths, 2 * truths)):
                        past[moment].append(each.ratios)
                    for moment, each in subject.judge(spread, range(truths)):
                        judged.setdefault(cells[moment], []).append(each)
                learnt |= {cell: widening(past[moment]) for moment, cell in cells.items()}
    return judged, learnt


def coverage(judged: Sequence[Judged], factor: float) -> float:
    """Returns the part of the intervals, widened by `factor`, that held what came."""
    return sum(each.holds(factor) for each in judged) / len(judged)


def seconds_of_large() -> float:
    """Returns how many seconds of processor time a forecast of 10,000 jobs takes."""
    jobs = submitted(layered(LARGE_JOBS, 1).jobs, "large", START_MS)
    scene = scene_of([replace(job, estimate_seconds=60.0) for job in jobs], LARGE_SLOTS, START_MS)
    began = time.process_time()
    forecast(scene, RunTimes(), [job.job_id for job in jobs], draws=LARGE_DRAWS)
    return time.process_time() - began


def furthest_from_simulator(traces: Sequence[Trace]) -> float:
    """Returns the largest difference between the ends by the stepper and by the simulator, in seconds."""
    apart = 0.0
    for slots in SLOTS:
        for trace in traces:
            scene = scene_of(submitted(trace.jobs, "own", START_MS), slots, START_MS)
            run_ms = noisy_ms(scene.jobs, SPREADS[-1], trace.name)
            noisy = {job.key or "": ms / 1_000 for job, ms in zip(trace.jobs, run_ms, strict=True)}
            simulated = makespan_seconds(replace(trace, runtimes_seconds=noisy), slots, 0.0)
            course = step(wire(scene), run_ms, random.Random(1).random)  # nosec B311
            apart = max(apart, abs((max(course.ends_ms) - START_MS) / 1_000 - simulated))
    return apart


def report_of(
    judged: Mapping[Cell, Sequence[Judged]], learnt: Mapping[Cell, float], seconds: float, apart: float
) -> BenchmarkReport:
    """Makes the report."""
    columns = (
        "slots", "place", "spread", "asked at", "forecasts", "held as drawn", "widened by", "held",
        "median error", "median error of the rest",
    )  # fmt: skip
    rows = [
        (
            cell.slots, cell.place, cell.spread, cell.moment, len(each), coverage(each, 1.0),
            round(learnt[cell], 3), coverage(each, learnt[cell]),
            statistics.median(one.error for one in each), statistics.median(one.error_of_rest for one in each),
        )
        for cell, each in judged.items()
    ]  # fmt: skip
    held = [coverage(each, learnt[cell]) for cell, each in judged.items()]
    half_way = [
        statistics.median(one.error for one in each)
        for cell, each in judged.items()
        if cell.moment == "half-way"
    ]
    return BenchmarkReport(
        name="forecast",
        title="Forecast",
        command="make -C dev/benchmarks forecast",
        about=(
            "Recorded workflows whose jobs run for their recorded time times log-normal noise of the given spread. "
            "The forecaster knows the recorded times alone. Behind means that another sample was submitted a second "
            f"before. Each row holds {len(next(iter(judged.values())))} forecasts of the workflow's end. Held as drawn "
            f"is how many of the nominal {COVERAGE:.0%} intervals held the end without a correction; held is with the "
            "correction that was learned from as many truths that are not judged. The error of the median is a part "
            "of the workflow's whole time, or of the time that was left."
        ),
        goals=[
            Goal("lowest coverage of a cell", min(held), at_least=LOW),
            Goal("highest coverage of a cell", max(held), at_most=HIGH),
            Goal("largest median error half-way", max(half_way), at_most=0.05),
            Goal(f"seconds for {LARGE_JOBS:,} jobs x {LARGE_DRAWS} draws", seconds, at_most=10.0),
            Goal("seconds between the stepper's ends and the simulator's", apart, at_most=0.0),
        ],
        tables=[Table("Intervals and errors", columns, rows), _by_instance(judged, learnt)],
        range_charts=[_coverage_chart(judged, learnt)],
    )


def _coverage_chart(judged: Mapping[Cell, Sequence[Judged]], learnt: Mapping[Cell, float]) -> RangeChart:
    """Makes a chart of how often the intervals of each cell held, beside what is allowed."""
    return RangeChart(
        title="Coverage of the nominal 90 % interval",
        x_label="part of the forecasts",
        bars="allowed",
        rows=[
            Range(
                f"{cell.slots} slots, {cell.place}, {cell.spread}, {cell.moment}",
                LOW,
                HIGH,
                {
                    "drawn": round(coverage(each, 1.0), 4),
                    "corrected": round(coverage(each, learnt[cell]), 4),
                },
            )
            for cell, each in judged.items()
        ],
    )


def _by_instance(judged: Mapping[Cell, Sequence[Judged]], learnt: Mapping[Cell, float]) -> Table:
    """Makes a table of each sample over all cells."""
    names = dict.fromkeys(one.instance for each in judged.values() for one in each)
    rows: list[Sequence[str | float]] = []
    for name in names:
        held = [
            one.holds(learnt[cell]) for cell, each in judged.items() for one in each if one.instance == name
        ]
        errors = [
            one.error
            for cell, each in judged.items()
            for one in each
            if one.instance == name and cell.moment == "half-way"
        ]
        rows.append((name, sum(held) / len(held), statistics.median(errors)))
    return Table("By workflow, over all cells", ("workflow", "held", "median error half-way"), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. The exit code says whether the goals hold."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.forecast", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--truths", type=int, default=TRUTHS, help="truths of each sample in each cell")
    truths = max(1, parser.parse_args(arguments).truths)
    traces = [read_trace(file) for file in sample_files()]
    if not traces:
        sys.stderr.write(
            "forecast: the WfFormat samples are not beside the project (../shared/wfinstances)\n"
        )
        return 2
    seconds = seconds_of_large()
    judged, learnt = measure(traces, truths)
    overall = widening([one.ratios for each in judged.values() for one in each])
    sys.stderr.write(f"forecast: over all cells the intervals are to be widened by {overall:.3f}\n")
    return finish(report_of(judged, learnt, seconds, furthest_from_simulator(traces)))


if __name__ == "__main__":
    sys.exit(main())
