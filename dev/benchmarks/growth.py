"""Counts how requests and stored bytes grow with the number of jobs, in the simulator.

Workflows of four shapes run to their end on a virtual clock, all submitted at the start: jobs without dependencies,
chains of 1,000, fans of 1 -> 1,000 -> 1, and seeded layers in workflows of up to 10,000. Requests are those that AWS
would bill, counted by the in-memory store and queue. Bytes are those of every item that DynamoDB would hold at the end,
as the codec makes them.

Writes dev/benchmarks/results/growth.json. Exits with 1 where requests grow faster than the number of jobs to the power
of 1.05, or where bytes per job differ by more than 5 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dev.benchmarks.report import BenchmarkReport, Goal, Line, LineChart, Table, finish
from dev.simulator.growth import fitted_exponent, run_and_check, simulator_for
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.workflows.graphs import chain, fan, layered, unconnected
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb.codec import JobCodec, split
from tidegate.domain.job import Job
from tidegate.domain.limits import MAX_JOBS_PER_WORKFLOW
from tidegate.domain.rank import RankPolicy
from tidegate.domain.requests import WorkflowRequest

SIZES = (1_000, 3_000, 10_000, 100_000)
PART = 1_000  # jobs of one chain, leaves of one fan
SLOTS = 10
JOB_MS = (500, 1_500)
STEEPEST = 1.05
MOST_SPREAD = 1.05
EXAMPLE = "example: python -m dev.benchmarks.growth --sizes 1000 3000 10000"
CODEC = JobCodec(shards=1, rank_policy=RankPolicy())


def _parts_of_most(count: int, most: int) -> list[int]:
    whole, rest = divmod(count, most)
    return [most] * whole + ([rest] if rest else [])


SHAPES: dict[str, Callable[[int], list[WorkflowRequest]]] = {
    "no-ops": lambda count: [unconnected(part) for part in _parts_of_most(count, MAX_JOBS_PER_WORKFLOW)],
    "chains of 1,000": lambda count: [chain(part) for part in _parts_of_most(count, PART)],
    "1 -> 1,000 -> 1": lambda count: [fan(part) for part in _parts_of_most(count, PART)],
    "layers": lambda count: [
        layered(part, seed) for seed, part in enumerate(_parts_of_most(count, MAX_JOBS_PER_WORKFLOW))
    ],
}


@dataclass(frozen=True, slots=True)
class Run:
    """One shape at one size."""

    shape: str
    jobs: int
    edges: int
    requests: int
    stored_bytes: int


def measure(shape: str, size: int) -> Run:
    """Runs `size` jobs of a shape to the end. A fan has two more jobs for each thousand."""
    workflows = SHAPES[shape](size)
    simulator = simulator_for(workflows, slots=SLOTS, durations_ms=JOB_MS)
    jobs = sum(len(each.jobs) for each in workflows)
    requests = run_and_check(simulator, jobs)
    return Run(
        shape=shape,
        jobs=jobs,
        edges=sum(len(job.depends_on) for each in workflows for job in each.jobs),
        requests=requests,
        stored_bytes=sum(stored_bytes(simulator.world, job) for job in simulator.world.jobs.values()),
    )


def stored_bytes(world: MemoryWorld, job: Job) -> int:
    """Returns the bytes that DynamoDB would hold of an ended job: its item and its overflow.

    The overflow is decided when the job is submitted, from the item without its history.
    """
    given = job.input or world.inputs[job.job_id]
    dependents = job.dependents or world.pages.get(job.job_id, ())
    whole = replace(job, input=given, dependents=dependents, dependents_overflow=False)
    submitted = split(CODEC, replace(whole, history=job.history[:1], result=None), expires_at_s=0)
    ended = replace(
        whole,
        input=whole.input if submitted.input_item is None else None,
        dependents=() if submitted.page_items else dependents,
        dependents_overflow=bool(submitted.page_items),
    )
    overflowed = [*submitted.page_items, *([submitted.input_item] if submitted.input_item else [])]
    return item_size(CODEC.whole_item(ended)) + sum(item_size(part) for part in overflowed)


def report_of(runs: Sequence[Run]) -> BenchmarkReport:
    """Makes the report."""
    by_shape = {shape: [run for run in runs if run.shape == shape] for shape in SHAPES}
    rows = [
        (
            run.shape, run.jobs, run.edges, run.requests, run.requests / run.jobs,
            run.stored_bytes / run.jobs,
        )
        for run in runs
    ]  # fmt: skip
    fits = [
        (
            shape,
            round(fitted_exponent([run.jobs for run in each], [run.requests for run in each]), 4),
            round(_spread([run.stored_bytes / run.jobs for run in each]), 4),
        )
        for shape, each in by_shape.items()
    ]
    columns = ("shape", "jobs", "edges", "requests", "requests/job", "bytes/job")
    return BenchmarkReport(
        name="growth",
        title="Growth",
        command="make -C dev/benchmarks growth",
        about=(
            "Requests that AWS would bill and bytes that DynamoDB would hold, counted in the simulator, "
            f"ticks included: jobs of {JOB_MS[0] / 1_000:g} to {JOB_MS[1] / 1_000:g} s on {SLOTS} slots, "
            "stream batches of up to 100 after 0.2 s. There are so few slots that all shapes but a lone "
            "chain keep them busy. In a pool with idle slots messages and events go in larger batches, and "
            "a job costs less. The exponent is the slope of requests over jobs on logarithmic axes. The "
            "spread is the largest number of bytes per job over the smallest."
        ),
        goals=[
            *(Goal(f"exponent of requests, {shape}", exponent, STEEPEST) for shape, exponent, _ in fits),
            *(Goal(f"spread of bytes per job, {shape}", spread, MOST_SPREAD) for shape, _, spread in fits),
        ],
        tables=[
            Table("Runs", columns, rows),
            Table("Fits", ("shape", "exponent of requests", "spread of bytes/job"), fits),
        ],
        line_charts=[
            LineChart(
                title="Requests per job",
                x_label="jobs",
                y_label="requests per job",
                lines=[
                    Line(shape, [(run.jobs, round(run.requests / run.jobs, 4)) for run in each])
                    for shape, each in by_shape.items()
                ],
            )
        ],
    )


def _spread(values: Sequence[float]) -> float:
    return max(values) / min(values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. The exit code says whether the goals hold."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.growth", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="numbers of jobs, two or more, from 1000 up"
    )
    sizes: Sequence[int] = parser.parse_args(arguments).sizes
    if len(set(sizes)) < 2 or min(sizes) < PART:
        parser.error("--sizes needs two or more different sizes of at least 1000")
    runs = []
    for shape in SHAPES:
        for size in sorted(set(sizes)):
            sys.stderr.write(f"growth: {shape}, {size:,} jobs\n")
            runs.append(measure(shape, size))
    return finish(report_of(runs))


if __name__ == "__main__":
    sys.exit(main())
