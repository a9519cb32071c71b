"""Measures what ranking by latest starts does: `python -m dev.simulator.checks.latest_starts`.

Jobs of equal priority come in bursts, and each burst takes longer than the shortest time that its jobs have. Half of
the jobs have a time to finish by, drawn between a short and a long one. Virtual time passes, so a run takes seconds.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from dev.simulator.checks.invariants import check_histories
from dev.simulator.memory.seeded import JOB_TYPE, START_MS, function_pool, make_services, make_settings
from dev.simulator.system.scenario import Course, succeeds
from dev.simulator.system.simulator import Options, Simulator
from tidegate.domain.job import Job
from tidegate.domain.rank import RankPolicy
from tidegate.domain.requests import JobRequest
from tidegate.ports import Assignment
from tidegate.usecases.submit.submit import submit_job

SLOTS = 6
BURSTS = 4
JOBS_OF_BURST = 60
USUAL_MS = (45_000, 75_000)
FINISH_WITHIN_MS = (3 * 60_000, 40 * 60_000)
BUSY = (0.8, 1.2)  # the work of a burst over what the slots do until the next one
SEEDS = (1, 2)
HEAD_STARTS_MINUTES = (0, 10, 60)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. `missed` is the part of the jobs with a time that ended later. `late` is by how much, in seconds.

    `others_median` and `others_longest` are the times from submission to end of the jobs without a time, in seconds.
    """

    missed: float
    late: float
    others_median: float
    others_longest: float


def course_of(seed: int, assignment: Assignment) -> Course:
    """Returns an attempt that takes its drawn time."""
    return succeeds(round(random.Random(f"{seed} {assignment.key}").uniform(*USUAL_MS)))


def measure(seed: int, head_start_minutes: int, busy: float) -> Measured:
    """Runs the bursts of a seed to their end under a longest head start. Checks every job."""
    policy = RankPolicy(head_start_ms=head_start_minutes * 60_000)
    settings = replace(make_settings(function_pool("lambda", SLOTS)), rank_policy=policy)
    services, world = make_services(settings, seed)
    simulator = Simulator(services, world, partial(course_of, seed), Options(slots=SLOTS))
    draw = random.Random(f"bursts {seed}")
    every_ms = statistics.mean(USUAL_MS) * JOBS_OF_BURST / SLOTS / busy
    for burst in range(BURSTS):
        at_ms = round(burst * every_ms)
        for number in range(JOBS_OF_BURST):
            by_ms = START_MS + at_ms + draw.randint(*FINISH_WITHIN_MS) if number % 2 else None
            request = JobRequest(
                type=JOB_TYPE,
                key=f"j{burst}-{number}",
                timeout_seconds=600,
                estimated_duration_seconds=statistics.mean(USUAL_MS) / 1_000,
                finish_by_ms=by_ms,
            )
            simulator.plan(at_ms, partial(_submit, simulator, request))
    simulator.run()
    jobs = list(world.jobs.values())
    check_histories(jobs)
    return _measured(jobs)


def _submit(simulator: Simulator, request: JobRequest) -> None:
    submit_job(simulator.services, request, idempotency_key=None, fingerprint="f", now_ms=simulator.now_ms)


def _measured(jobs: Sequence[Job]) -> Measured:
    late_ms = [(job.finished_at_ms or 0) - job.finish_by_ms for job in jobs if job.finish_by_ms is not None]
    others_ms = [(job.finished_at_ms or 0) - job.created_at_ms for job in jobs if job.finish_by_ms is None]
    return Measured(
        missed=sum(late > 0 for late in late_ms) / len(late_ms),
        late=sum(max(0, late) for late in late_ms) / 1_000,
        others_median=statistics.median(others_ms) / 1_000,
        others_longest=max(others_ms) / 1_000,
    )


def main() -> int:
    """Prints a table: the means over a few seeds, for each load and each longest head start."""
    sys.stdout.write(
        "| load | longest head start | missed times | late in all s | others: median s | others: longest s |\n"
        "|---|---|---|---|---|---|\n"
    )
    for busy in BUSY:
        for minutes in HEAD_STARTS_MINUTES:
            runs = [measure(seed, minutes, busy) for seed in SEEDS]
            missed = statistics.mean(run.missed for run in runs)
            cells = [
                f"{statistics.mean(getattr(run, name) for run in runs):,.0f}"
                for name in ("late", "others_median", "others_longest")
            ]
            sys.stdout.write(f"| {busy:.0%} | {minutes} min | {missed:.1%} | {' | '.join(cells)} |\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
