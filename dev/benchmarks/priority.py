"""Counts how many less urgent jobs start before an urgent job that is READY, in the simulator.

Each run fills a pool with jobs of low priority and submits jobs of high priority at random moments. For every urgent
job, the starts of lower-ranked jobs are counted from the write that made it READY to the write that started it. Jobs
that were dispatched before may go first, so the promise is: never more than the window, capacity x window jobs. For
comparison, the same is counted with a window so large that it holds no job back.

Writes dev/benchmarks/results/priority.json. Exits with 1 where more jobs than the window went first.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dev.benchmarks.report import BenchmarkReport, Goal, Range, RangeChart, Table, finish
from dev.simulator.checks.invariants import check_all
from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options, Simulator
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.changes import JobChange
from tidegate.domain.dispatch_plan import window_slots
from tidegate.domain.requests import WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.submit.submit import submit_workflow

SEEDS = 100
URGENT_JOBS = 8
LOW, HIGH = (1, 300), (900, 1_000)  # priorities: an hour of waiting does not close the gap
MEAN_MS = 1_000  # mean duration of a job
NO_WINDOW = 1e6
EXAMPLE = "example: python -m dev.benchmarks.priority --seeds 20"


@dataclass(frozen=True, slots=True)
class Setup:
    """A pool of `slots` slots, its window, and the delay of the stream."""

    slots: int
    window: float
    stream_delay_ms: int = 200
    shards: int = 1

    @property
    def window_slots(self) -> int:
        """Returns how many jobs may be dispatched and not finished."""
        return window_slots(self.slots, self.window)

    @property
    def held_back(self) -> bool:
        """Says whether the window is small enough to hold jobs back."""
        return self.window < NO_WINDOW


SETUPS = (
    Setup(1, 1.0),
    Setup(4, 1.0),
    Setup(4, 1.5, stream_delay_ms=0),
    Setup(4, 2.0, shards=4),
    Setup(16, 2.0),
    Setup(16, 2.0, stream_delay_ms=2_000),
    Setup(16, 3.0, shards=4),
    Setup(64, 2.0),
    Setup(16, NO_WINDOW),
)


@dataclass(slots=True)
class Starts:
    """An observer that numbers the writes, so that jobs that are READY or start in one millisecond stay in order."""

    writes: int = 0
    ready: dict[str, int] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)

    def __call__(self, _simulator: Simulator, changes: list[JobChange]) -> None:
        """Notes the jobs that the changes made READY and the jobs that they started."""
        for change in changes:
            self.writes += 1
            if change.new.state is State.READY:
                self.ready[change.new.job_id] = self.writes
            elif change.new.state is State.RUNNING:
                self.started[change.new.job_id] = self.writes


def low_jobs(draw: random.Random, count: int) -> WorkflowRequest:
    """Makes jobs of low priority, all ready at once."""
    return workflow([job(f"low-{place}", priority=draw.randint(*LOW)) for place in range(count)])


def starts_ahead(setup: Setup, seed: int) -> list[int]:
    """Returns, for each urgent job of one run, how many less urgent jobs started while it was READY or QUEUED."""
    draw = random.Random(seed)  # seeded, so that the run can be repeated  # nosec B311
    fill = 40 + 8 * setup.slots
    services, world = make_services(
        make_settings(function_pool("lambda", setup.slots), window=setup.window, shards=setup.shards), seed
    )
    starts = Starts()
    options = Options(slots=setup.slots, stream_delay_ms=setup.stream_delay_ms)
    simulator = Simulator(
        services,
        world,
        lambda _assignment: succeeds(draw.randint(1, 2 * MEAN_MS)),
        options,
        observers=[starts],
    )

    def submission(request: WorkflowRequest) -> Callable[[], object]:
        return lambda: submit_workflow(
            services, request, idempotency_key=None, fingerprint="", now_ms=simulator.now_ms
        )

    simulator.plan(0, submission(low_jobs(draw, fill)))
    busy_ms = fill * MEAN_MS // setup.slots  # about as long as the pool needs for the jobs that fill it
    for place in range(URGENT_JOBS):
        urgent = workflow([job(f"high-{place}", priority=draw.randint(*HIGH))])
        simulator.plan(draw.randint(0, busy_ms), submission(urgent))
    simulator.run()
    check_all(simulator)
    low = sorted(starts.started[each.job_id] for each in world.jobs.values() if each.priority <= LOW[1])
    high = [each.job_id for each in world.jobs.values() if each.priority >= HIGH[0]]
    return [bisect_left(low, starts.started[each]) - bisect_right(low, starts.ready[each]) for each in high]


def report_of(counts: dict[Setup, list[int]], seeds: int) -> BenchmarkReport:
    """Makes the report."""
    columns = (
        "slots", "window", "stream delay s", "shards", "urgent jobs", "window slots", "mean ahead", "most ahead",
    )  # fmt: skip
    rows = [
        (
            setup.slots, setup.window if setup.held_back else "none", setup.stream_delay_ms / 1_000,
            setup.shards, len(each), setup.window_slots if setup.held_back else None, statistics.mean(each), max(each),
        )
        for setup, each in counts.items()
    ]  # fmt: skip
    held_back = {setup: each for setup, each in counts.items() if setup.held_back}
    return BenchmarkReport(
        name="priority",
        title="Priority",
        command="make -C dev/benchmarks priority",
        about=(
            f"Jobs of priority {LOW[0]}-{LOW[1]} fill a pool; {URGENT_JOBS} of priority {HIGH[0]}-{HIGH[1]} "
            f"come at random moments, in {seeds} runs for each row. Counted in the simulator: starts of less "
            "urgent jobs between the write that made an urgent job READY and the write that started it. "
            "Window slots are capacity x window. Running jobs have started before, so at most capacity x (window "
            "- 1) jobs are left to go first. In the last row nothing is held back: all READY jobs are sent "
            "to the queue at once."
        ),
        goals=[
            Goal(
                "most starts ahead, over window slots",
                max(max(n) / s.window_slots for s, n in held_back.items()),
                1.0,
            )
        ],
        tables=[Table("Less urgent jobs that started ahead", columns, rows)],
        range_charts=[
            RangeChart(
                title="Less urgent jobs that started ahead of an urgent READY one",
                x_label="jobs",
                bars="from none to the most",
                rows=[
                    Range(
                        f"{s.slots} x {s.window:g}, {s.stream_delay_ms / 1_000:g} s, {s.shards} shards",
                        0,
                        max(n),
                        {"mean": round(statistics.mean(n), 3), "window": s.window_slots},
                    )
                    for s, n in held_back.items()
                ],
            )
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. The exit code says whether the goal holds."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.priority", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs for each setup")
    seeds = max(1, parser.parse_args(arguments).seeds)
    counts: dict[Setup, list[int]] = {}
    for setup in SETUPS:
        sys.stderr.write(f"priority: {setup}\n")
        counts[setup] = [ahead for seed in range(seeds) for ahead in starts_ahead(setup, seed)]
    return finish(report_of(counts, seeds))


if __name__ == "__main__":
    sys.exit(main())
