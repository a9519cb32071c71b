"""Measures how many ranked candidates a second the dispatch plan chooses, in process and without a store.

Runs with 10,000 to 1,000,000 READY jobs in four shards, and chooses 1,000 at a time as a dispatcher does, without
shares and with ten shares of different weights. Seconds are of processor time. Prints a table and writes
dev/benchmarks/results/dispatch_plan.json.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from dev.benchmarks.report import BenchmarkReport, Line, LineChart, Table, finish
from tidegate.domain.dispatch_plan import Candidate, Dispatched, plan_dispatch
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.rules import DispatchRules
from tidegate.domain.traits import Traits

EXAMPLE = "example: python -m dev.benchmarks.dispatch_plan --sizes 10000 100000"
SIZES = (10_000, 100_000, 1_000_000)
SHARDS = 4
SLOTS = 1_000  # free at each plan
SHARES = 10
START_MS = 1_800_000_000_000


def ready_jobs(jobs: int, shares: int, chance: random.Random) -> list[list[Candidate]]:
    """Makes READY jobs of random priority in as many lanes as there are shares, best first in each shard."""
    policy = RankPolicy()
    queues: list[list[Candidate]] = [[] for _ in range(SHARDS * shares)]
    for number in range(jobs):
        share = f"share-{number % shares}" if shares > 1 else ""
        sort = rank(policy, chance.randint(1, 1_000), START_MS + number, retries=0)
        queue = queues[number % shares * SHARDS + chance.randrange(SHARDS)]
        queue.append(Candidate(f"01JD{number:022d}", sort, Traits("t", share), share))
    for queue in queues:
        queue.sort(key=lambda candidate: -candidate.rank)
    return queues


def candidates_per_second(queues: Sequence[Sequence[Candidate]], weights: dict[str, int]) -> float:
    """Chooses every job, 1,000 to a plan, from pages as large as a dispatcher reads."""
    chance = random.Random(1)  # seeded, so that the run can be repeated  # nosec B311
    rules = DispatchRules()
    taken = [0] * len(queues)
    number_of = {id(queue): number for number, queue in enumerate(queues)}
    place_of = {candidate.job_id: number_of[id(queue)] for queue in queues for candidate in queue}
    total, chosen, seconds = sum(map(len, queues)), 0, 0.0
    while chosen < total:
        pages = [queue[start : start + SLOTS] for queue, start in zip(queues, taken, strict=True)]
        began_s = time.process_time()
        plan = plan_dispatch(pages, SLOTS, Dispatched(), rules, weights, chance.random)
        seconds += time.process_time() - began_s
        for candidate in plan.chosen:
            taken[place_of[candidate.job_id]] += 1
        chosen += len(plan.chosen)
    return chosen / seconds


def report_of(sizes: Sequence[int]) -> BenchmarkReport:
    """Measures for each number of READY jobs, without shares and with them."""
    rows = []
    lines: dict[int, list[tuple[float, float]]] = {1: [], SHARES: []}
    for jobs in sizes:
        for shares, points in lines.items():
            queues = ready_jobs(jobs, shares, random.Random(jobs))  # seeded, to be repeated  # nosec B311
            weights = {f"share-{number}": 1 + number for number in range(shares)}
            figure = round(candidates_per_second(queues, weights))
            rows.append((jobs, shares, figure))
            points.append((jobs, figure))
    return BenchmarkReport(
        name="dispatch_plan",
        title="Dispatch plan",
        command="make -C dev/benchmarks dispatch-plan",
        about=(
            f"The decision alone, in process: READY jobs in {SHARDS} shards of each lane, chosen {SLOTS:,} at a time "
            "as a dispatcher does, until none is left. Seconds are of processor time."
        ),
        goals=[],
        tables=[Table("Ranked candidates chosen", ("READY jobs", "shares", "candidates/s"), rows)],
        line_charts=[
            LineChart(
                title="Ranked candidates chosen a second",
                x_label="READY jobs",
                y_label="candidates/s",
                lines=[
                    Line(f"{shares} shares" if shares > 1 else "no shares", each)
                    for shares, each in lines.items()
                ],
            )
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.dispatch_plan", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of READY jobs")
    return finish(report_of(parser.parse_args(arguments).sizes))


if __name__ == "__main__":
    sys.exit(main())
