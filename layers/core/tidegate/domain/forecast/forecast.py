"""Forecasts when the jobs of a scene start and end: the quantiles of many courses with drawn run times."""

from __future__ import annotations

import math
import random  # noqa: TID251 - seeded, so that an answer can be repeated
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.domain.dispatch_plan import Draw
from tidegate.domain.forecast.run_times import RunTime, RunTimes, draw_ms, draw_remaining_ms
from tidegate.domain.forecast.scene import Scene
from tidegate.domain.forecast.stepper import Course, Wiring, step, wire
from tidegate.domain.states import State

COVERAGE: Final = 0.9
"""The nominal coverage: the part of the intervals that hold what comes."""
JOBS_DRAWN: Final = 200_000
"""Jobs stepped in one forecast, over all draws. It bounds the time of an answer."""
FEWEST_DRAWS, MOST_DRAWS = 20, 60
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """A forecast time: it comes before and after `p50_ms` equally often, and between the bounds in 90 % of cases.

    Times are in milliseconds since the epoch.
    """

    p50_ms: int
    low_ms: int
    high_ms: int


@dataclass(frozen=True, slots=True)
class JobForecast:
    """The start and the end of a job; None where it does not come as things stand, or where the start has come."""

    start: Interval | None
    end: Interval | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of some jobs of a scene, in the order that was asked for, and of the moment when all have ended.

    `ends_ms` has that moment in each draw, in milliseconds since the epoch.
    """

    jobs: tuple[JobForecast, ...]
    end: Interval | None
    draws: int
    ends_ms: tuple[float, ...] = ()


def draws_for(job_count: int) -> int:
    """Returns how many courses to draw for a scene of this many jobs."""
    return max(FEWEST_DRAWS, min(MOST_DRAWS, JOBS_DRAWN // max(1, job_count)))


def forecast(
    scene: Scene, run_times: RunTimes, wanted: Sequence[str], *, draws: int, seed: int = SEED
) -> Forecast:
    """Returns the forecast of the jobs `wanted`, named by their ids, which are jobs of the scene.

    Steps the scene `draws` (1 or more) times. The same scene and seed give the same answer.
    """
    wiring = wire(scene)
    numbers = [wiring.numbers[job_id] for job_id in wanted]
    stepped = courses(wiring, run_times, draws, seed=seed)
    jobs = tuple(
        JobForecast(
            interval_of([course.starts_ms[number] for course in stepped])
            if scene.jobs[number].state is not State.RUNNING
            else None,
            interval_of([course.ends_ms[number] for course in stepped]),
        )
        for number in numbers
    )
    ends_ms = tuple(last_end_ms(course, numbers) for course in stepped)
    return Forecast(jobs, interval_of(ends_ms), draws, ends_ms)


def forecast_ends(
    scene: Scene,
    run_times: RunTimes,
    groups: Sequence[Sequence[str]],
    *,
    draws: int,
    is_over: Callable[[], bool] = lambda: False,
) -> tuple[list[Interval | None], int]:
    """Returns when each group of jobs, named by their ids, has ended, and how many courses were stepped.

    All groups share the courses. Steps the scene `draws` (1 or more) times, or fewer where `is_over` says so. A group
    without jobs has no end.
    """
    wiring = wire(scene)
    stepped = courses(wiring, run_times, draws, is_over=is_over)
    numbers = [[wiring.numbers[job_id] for job_id in group] for group in groups]
    ends = [interval_of([last_end_ms(course, group) for course in stepped]) for group in numbers]
    return ends, len(stepped)


def courses(
    wiring: Wiring,
    run_times: RunTimes,
    draws: int,
    *,
    seed: int = SEED,
    is_over: Callable[[], bool] = lambda: False,
) -> list[Course]:
    """Returns `draws` (1 or more) courses of a scene, or fewer where `is_over` says so after one of them."""
    scene = wiring.scene
    taken = [run_times.of(job.traits.type, job.estimate_seconds) for job in scene.jobs]
    stepped: list[Course] = []
    while len(stepped) < draws and not (stepped and is_over()):
        of_draw = f"{seed}.{len(stepped)}"
        stepped.append(step(wiring, draw_all_ms(scene, taken, of_draw), plan_draw(of_draw)))
    return stepped


def draw_all_ms(scene: Scene, run_times: Sequence[RunTime], seed: str) -> list[int]:
    """Draws how long each job of a scene still runs once it runs, in milliseconds. `run_times` are in its order.

    Jobs that are added behind those of a scene do not change what is drawn for these.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret  # nosec B311
    return [
        draw_remaining_ms(run_time, scene.now_ms - job.since_ms, chance)
        if job.state is State.RUNNING
        else draw_ms(run_time, chance)
        for job, run_time in zip(scene.jobs, run_times, strict=True)
    ]


def plan_draw(seed: str) -> Draw:
    """Returns the random numbers of `plan_dispatch` for one draw. They don't depend on how many run times there are."""
    return random.Random(f"{seed}.plan").random  # noqa: S311 - no secret  # nosec B311


def last_end_ms(course: Course, numbers: Sequence[int]) -> float:
    """Returns when the last of these jobs ends, in milliseconds since the epoch; `NEVER` where one does not."""
    return max((course.ends_ms[number] for number in numbers), default=math.inf)


def interval_of(times_ms: Sequence[float]) -> Interval | None:
    """Returns the interval of drawn times, in milliseconds since the epoch; None where one of them never comes."""
    rising = sorted(times_ms)
    if rising[-1] == math.inf:
        return None
    tail = (1.0 - COVERAGE) / 2
    return Interval(*(round(quantile(rising, part)) for part in (0.5, tail, 1.0 - tail)))


def part_by(times_ms: Sequence[float], by_ms: int) -> float:
    """Returns the part (0-1) of drawn times that come by `by_ms`; all are in milliseconds since the epoch."""
    return sum(each <= by_ms for each in times_ms) / len(times_ms)


def quantile(rising: Sequence[float], part: float) -> float:
    """Returns the quantile of values in rising order, between the two nearest; the ends stand for what lies beyond."""
    place = min(len(rising) - 1.0, max(0.0, part * (len(rising) + 1) - 1))
    below = math.floor(place)
    above = min(below + 1, len(rising) - 1)
    return rising[below] + (rising[above] - rising[below]) * (place - below)
