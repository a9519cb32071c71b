"""Measures what second attempts do to slow jobs, in simulated runs: `python -m dev.simulator.checks.slow_jobs`.

One job in a hundred runs ten times as long as it should, as on a bad machine. Its second attempt is drawn anew. The
jobs come as one batch, or one by one at a pool that is busy to 70 %. Virtual time passes, so a run takes seconds.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from dev.simulator.checks.invariants import check_histories
from dev.simulator.checks.second_attempts import SecondAttempts
from dev.simulator.memory.seeded import JOB_TYPE, START_MS, function_pool, make_services, make_settings
from dev.simulator.memory.usual_runs import note_usual_runs
from dev.simulator.system.scenario import Course, succeeds
from dev.simulator.system.simulator import Options, Simulator
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest
from tidegate.ports import Assignment
from tidegate.usecases.submit.submit import submit_job

SLOTS = 40
JOBS = 600
USUAL_MS = (45_000, 75_000)
SLOW_IN = 100  # one job in so many
SLOWER = 10
BUSY = 0.7
SEEDS = (1, 2)
PERCENTS = (0, 5)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. Times are in seconds, `p99` and `longest` from the submission of a job to its end."""

    makespan: float
    median: float
    p99: float
    longest: float
    offered: int
    won: int


def course_of(seed: int, assignment: Assignment) -> Course:
    """Returns an attempt that takes its usual time, or ten times as long."""
    draw = random.Random(f"{seed} {assignment.key} {assignment.attempt} {assignment.second}")
    duration_ms = draw.uniform(*USUAL_MS) * (SLOWER if draw.randrange(SLOW_IN) == 0 else 1)
    return succeeds(round(duration_ms))


def measure(seed: int, percent: int, *, in_batch: bool) -> Measured:
    """Runs the jobs of a seed to their end, with `percent` of the slots for second attempts. Checks every job."""
    settings = replace(make_settings(function_pool("lambda", SLOTS)), second_attempt_percent=percent)
    services, world = make_services(settings, seed, twice=True)
    # The ends of this run are counted too, in its course.
    earlier = [Assignment("", number, JOB_TYPE, {}, 0) for number in range(JOBS)]
    note_usual_runs(services, [course_of(0, each).duration_ms for each in earlier])
    simulator = Simulator(
        services,
        world,
        partial(course_of, seed),
        Options(slots=SLOTS),
        observers=[SecondAttempts(strict=True)],
    )
    draw = random.Random(f"arrivals {seed}")
    every_ms = statistics.mean(USUAL_MS) * (1 + (SLOWER - 1) / SLOW_IN) / SLOTS / BUSY
    at_ms = 0.0
    for number in range(JOBS):
        request = JobRequest(type=JOB_TYPE, key=f"j{number}", timeout_seconds=3_600)
        simulator.plan(round(at_ms), partial(_submit, simulator, request))
        at_ms += 0 if in_batch else draw.expovariate(1 / every_ms)
    simulator.run()
    jobs = list(world.jobs.values())
    check_histories(jobs)
    return _measured(jobs, simulator)


def _submit(simulator: Simulator, request: JobRequest) -> None:
    submit_job(simulator.services, request, idempotency_key=None, fingerprint="f", now_ms=simulator.now_ms)


def _measured(jobs: Sequence[Job], simulator: Simulator) -> Measured:
    ends_ms = [job.finished_at_ms or 0 for job in jobs]
    took = sorted((end - job.created_at_ms) / 1_000 for end, job in zip(ends_ms, jobs, strict=True))
    return Measured(
        makespan=(max(ends_ms) - START_MS) / 1_000,
        median=statistics.median(took),
        p99=took[round(len(took) * 0.99) - 1],
        longest=took[-1],
        offered=simulator.happened["second attempt offered"],
        won=simulator.happened["second attempt won"],
    )


def main() -> int:
    """Prints a table: the means over a few seeds, for each load and each part of the slots."""
    sys.stdout.write(
        "| jobs come | part of the slots | makespan s | median s | p99 s | longest s | offered | won |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    for in_batch in (True, False):
        for percent in PERCENTS:
            runs = [measure(seed, percent, in_batch=in_batch) for seed in SEEDS]
            cells = [
                f"{statistics.mean(getattr(run, name) for run in runs):,.0f}"
                for name in ("makespan", "median", "p99", "longest", "offered", "won")
            ]
            load = "in one batch" if in_batch else f"one by one, {BUSY:.0%} busy"
            sys.stdout.write(f"| {load} | {percent} % | {' | '.join(cells)} |\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
