"""Measures how good forecasts are: how often the interval holds what comes, and how far the median is off.

Recorded workflows are the samples beside the project (../shared/wfinstances). In each truth every job runs for its
recorded time, times log-normal noise. The forecaster knows the recorded times as estimates, and the statistics of
earlier truths: how their jobs ran against their estimates. It forecasts the end at the submission and half-way, alone
and behind another workflow that was submitted just before. An oracle that knows the distribution of the noise, and not
its draws, forecasts the same half-way: its error is the floor. The truths are stepped by the forecast's own stepper;
for some of them the simulator, in which the deployed use cases run, must give the same end.

Writes dev/benchmarks/results/forecast.json. Exits with 1 where a goal does not hold, and with 2 where the samples are
not beside the project.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from tidegate.domain.statistics.figures import OVERRUN_UNIT
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.usual_runs import UsualOverrun, usual_overrun
from tidegate.domain.traits import Traits

SLOTS = (4, 16)
SPREADS = (0.3, 0.5)
TRUTHS = 30
STARTS = 5  # times as many truths are asked about at the submission, since one forecast serves them all
PAST = 4  # earlier truths of each sample, which the statistics have counted
MOMENTS = ("start", "half-way")
PLACES = ("alone", "behind")
POOL = "lambda"
AHEAD_MS = 1_000  # how much earlier the other workflow was submitted
PRIORITY = 500
LARGE_JOBS, LARGE_DRAWS, LARGE_SLOTS = 10_000, 30, 100
LOW, HIGH = 0.85, 0.95
MOST_FACTOR = 1.02
MEDIAN_ERROR = 0.05
ABOVE_FLOOR = 0.01  # the median of a cell's errors is itself as uncertain
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

    @property
    def is_held(self) -> bool:
        """Says whether the interval holds what came."""
        return self.ratios.factor <= 1.0


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


Seen = Callable[[Sequence[Ended]], RunTimes]
"""What a forecaster knows of run times, once these jobs have ended."""


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

    def forecast(self, scene: Scene, run_times: RunTimes) -> Interval:
        """Returns the forecast end of the workflow, as an answer of the API has it."""
        own = {job.job_id for job in self.own}
        wanted = [job.job_id for job in scene.jobs if job.job_id in own]
        draws = draws_for(len(scene.jobs))
        found = forecast(scene, run_times, wanted, draws=draws).end
        if found is None:
            raise LookupError(f"a job of {self.instance} never runs")
        return found

    def run_ms(self, spread: float, seed: int) -> list[int]:
        """Returns how long each job runs in one truth, in milliseconds."""
        return noisy_ms(
            self.scene.jobs, spread, f"{self.instance} {self.slots} {len(self.others)} {spread} {seed}"
        )

    def truths(self, spread: float, count: int) -> Iterator[tuple[Course, int]]:
        """Yields the course of each truth, and when the workflow ends in it."""
        scene = self.scene
        wiring, own = wire(scene), range(len(self.others), len(scene.jobs))
        for seed in range(count):
            course = step(wiring, self.run_ms(spread, seed), random.Random(seed).random)  # nosec B311
            yield course, int(max(course.ends_ms[number] for number in own))

    def from_start(self, spread: float, seen: Seen, count: int) -> Iterator[Judged]:
        """Yields the forecast at the submission, which is the same for each of `count` truths."""
        at_start = self.forecast(self.scene, seen(()))
        for _, actual_ms in self.truths(spread, count):
            yield Judged(self.instance, START_MS, START_MS, at_start, actual_ms)

    def half_way(self, spread: float, seen: Seen, count: int) -> Iterator[Judged]:
        """Yields the forecasts half-way through each of `count` truths."""
        scene = self.scene
        for course, actual_ms in self.truths(spread, count):
            half_ms = (START_MS + actual_ms) // 2
            later, ended = at(scene, course, half_ms)
            yield Judged(self.instance, half_ms, START_MS, self.forecast(later, seen(ended)), actual_ms)


def subjects_of(traces: Sequence[Trace], slots: int, place: str) -> Iterator[Subject]:
    """Yields each sample, alone or behind the next one of the list."""
    for number, trace in enumerate(traces):
        other = traces[(number + 1) % len(traces)]
        others = submitted(other.jobs, "other", START_MS - AHEAD_MS) if place == "behind" else ()
        yield Subject(instance_name(trace), submitted(trace.jobs, "own", START_MS), others, slots)


def past_of(subjects: Sequence[Subject], spread: float, truths: int) -> dict[str, UsualOverrun]:
    """Returns what the statistics tell of `PAST` truths of each subject that come after the first `truths`."""
    overruns: dict[str, list[int]] = {}
    for subject in subjects:
        for seed in range(truths, truths + PAST):
            for job, ran_ms in zip(subject.scene.jobs, subject.run_ms(spread, seed), strict=True):
                if job.estimate_seconds:
                    overrun = round(ran_ms * OVERRUN_UNIT / (job.estimate_seconds * 1_000))
                    overruns.setdefault(job.traits.type, []).append(overrun)
    found = {job_type: usual_overrun(histogram_of(each)) for job_type, each in overruns.items()}
    return {job_type: each for job_type, each in found.items() if each is not None}


def measure(
    traces: Sequence[Trace], truths: int
) -> tuple[dict[Cell, list[Judged]], dict[Cell, list[Judged]]]:
    """Judges truths of every sample in every cell, `truths` half-way and more at the submission.

    Also returns the oracle's forecasts of the same truths half-way.
    """
    judged: dict[Cell, list[Judged]] = {}
    oracle: dict[Cell, list[Judged]] = {}
    for slots in SLOTS:
        for place in PLACES:
            subjects = list(subjects_of(traces, slots, place))
            for spread in SPREADS:
                sys.stderr.write(f"forecast: {slots} slots, {place}, spread {spread}\n")
                start, half_way = (Cell(slots, place, spread, moment) for moment in MOMENTS)
                past = past_of(subjects, spread, truths * STARTS)

                def seen(ended: Sequence[Ended], past: Mapping[str, UsualOverrun] = past) -> RunTimes:
                    return learned(ended, past)

                def knows(_ended: Sequence[Ended], spread: float = spread) -> RunTimes:
                    return RunTimes(spread)

                for subject in subjects:
                    judged.setdefault(start, []).extend(subject.from_start(spread, seen, truths * STARTS))
                    judged.setdefault(half_way, []).extend(subject.half_way(spread, seen, truths))
                    oracle.setdefault(half_way, []).extend(subject.half_way(spread, knows, truths))
    return judged, oracle


def coverage(judged: Sequence[Judged]) -> float:
    """Returns the part of the intervals that held what came."""
    return sum(each.is_held for each in judged) / len(judged)


def median_error(judged: Sequence[Judged]) -> float:
    """Returns the median of the errors, as a part of the whole time of each workflow."""
    return statistics.median(each.error for each in judged)


def median_error_of_rest(judged: Sequence[Judged]) -> float:
    """Returns the median of the errors, as a part of the time that was left."""
    return statistics.median(each.error_of_rest for each in judged)


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
    judged: Mapping[Cell, Sequence[Judged]],
    oracle: Mapping[Cell, Sequence[Judged]],
    seconds: float,
    apart: float,
) -> BenchmarkReport:
    """Makes the report."""
    held = [coverage(each) for each in judged.values()]
    errors = {cell: median_error(judged[cell]) for cell in oracle}
    overall = widening([one.ratios for each in judged.values() for one in each])
    floors = {cell: median_error(each) for cell, each in oracle.items()}
    return BenchmarkReport(
        name="forecast",
        title="Forecast",
        command="make -C dev/benchmarks forecast",
        about=(
            "Recorded workflows whose jobs run for their recorded time times log-normal noise of the given spread. "
            "The forecaster knows the recorded times, and the overruns of earlier jobs as the statistics count them. "
            "Behind means that another sample was submitted a second before. Held is how many of the nominal "
            f"{COVERAGE:.0%} intervals held the end. The "
            "sampling error is its binomial standard error. The factor is by how much the cell's intervals ought to "
            f"have been wider to hold {COVERAGE:.0%}. The error of the median is a part of the workflow's whole time, "
            "or of the time that was left. The oracle knows the distribution "
            "of the noise, and not its draws, so its error is that of the noise."
        ),
        goals=[
            Goal("lowest coverage of a cell", min(held), at_least=LOW),
            Goal("highest coverage of a cell", max(held), at_most=HIGH),
            Goal("factor by which all intervals ought to have been wider", overall, at_most=MOST_FACTOR),
            Goal("largest median error half-way", max(errors.values()), at_most=MEDIAN_ERROR),
            Goal(
                "most that a median error half-way is above both the aim and the oracle's",
                max(errors[cell] - max(floors[cell], MEDIAN_ERROR) for cell in errors),
                at_most=ABOVE_FLOOR,
            ),
            Goal(f"seconds for {LARGE_JOBS:,} jobs x {LARGE_DRAWS} draws", seconds, at_most=10.0),
            Goal("seconds between the stepper's ends and the simulator's", apart, at_most=0.0),
        ],
        tables=[_by_cell(judged, oracle), _by_instance(judged, oracle)],
        range_charts=[_coverage_chart(judged)],
    )


def _by_cell(judged: Mapping[Cell, Sequence[Judged]], oracle: Mapping[Cell, Sequence[Judged]]) -> Table:
    """Makes a table of all cells."""
    columns = (
        "slots", "place", "spread", "asked at", "forecasts", "held", "sampling error", "factor",
        "median error", "the oracle's", "median error of the rest", "the oracle's of the rest",
    )  # fmt: skip
    rows = [
        (
            cell.slots, cell.place, cell.spread, cell.moment, len(each), coverage(each),
            math.sqrt(COVERAGE * (1.0 - COVERAGE) / len(each)), round(widening([one.ratios for one in each]), 3),
            median_error(each), median_error(oracle[cell]) if cell in oracle else None,
            median_error_of_rest(each), median_error_of_rest(oracle[cell]) if cell in oracle else None,
        )
        for cell, each in judged.items()
    ]  # fmt: skip
    return Table("Intervals and errors", columns, rows)


def _coverage_chart(judged: Mapping[Cell, Sequence[Judged]]) -> RangeChart:
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
                {"held": round(coverage(each), 4)},
            )
            for cell, each in judged.items()
        ],
    )


def _by_instance(judged: Mapping[Cell, Sequence[Judged]], oracle: Mapping[Cell, Sequence[Judged]]) -> Table:
    """Makes a table of each sample over all cells."""

    def of(name: str, cells: Mapping[Cell, Sequence[Judged]], moments: Sequence[str]) -> list[Judged]:
        return [
            one
            for cell, each in cells.items()
            for one in each
            if one.instance == name and cell.moment in moments
        ]

    names = dict.fromkeys(one.instance for each in judged.values() for one in each)
    half_way = MOMENTS[1:]
    rows = [
        (
            name,
            coverage(of(name, judged, MOMENTS)),
            median_error(of(name, judged, half_way)),
            median_error(of(name, oracle, half_way)),
        )
        for name in names
    ]
    columns = ("workflow", "held", "median error half-way", "the oracle's")
    return Table("By workflow, over all cells", columns, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. The exit code says whether the goals hold."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.forecast", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--truths", type=int, default=TRUTHS, help="truths of each sample in each cell half-way"
    )
    truths = max(1, parser.parse_args(arguments).truths)
    traces = [read_trace(file) for file in sample_files()]
    if not traces:
        sys.stderr.write(
            "forecast: the WfFormat samples are not beside the project (../shared/wfinstances)\n"
        )
        return 2
    seconds = seconds_of_large()
    judged, oracle = measure(traces, truths)
    return finish(report_of(judged, oracle, seconds, furthest_from_simulator(traces)))


if __name__ == "__main__":
    sys.exit(main())
