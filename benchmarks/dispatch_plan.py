"""How many ranked candidates a second the dispatch plan chooses, in process: the decision alone, without any store.

Usage: python -m benchmarks.dispatch_plan [--help]

For 10,000 to 1,000,000 READY jobs in four shards, chosen 1,000 at a time as a dispatcher does, without shares and with
ten shares of different weights. Seconds are of processor time. Prints a table and writes
benchmarks/results/dispatch_plan.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tidegate.domain.dispatch_plan import Candidate, Dispatched, Traits, plan_dispatch
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.rules import DispatchRules

RESULTS = Path(__file__).parent / "results" / "dispatch_plan.json"
SIZES = (10_000, 100_000, 1_000_000)
SHARDS = 4
PLACES = 1_000
SHARES = 10
START_MS = 1_800_000_000_000


def ready_jobs(jobs: int, shares: int, chance: random.Random) -> list[list[Candidate]]:
    """READY jobs of random priority in the shards of as many lanes as there are shares, best first."""
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
    """Chooses every job, 1,000 a plan, from pages of as many as a dispatcher reads."""
    chance = random.Random(1)
    rules = DispatchRules()
    taken = [0] * len(queues)
    number_of = {id(queue): number for number, queue in enumerate(queues)}
    place_of = {candidate.job_id: number_of[id(queue)] for queue in queues for candidate in queue}
    total, chosen, seconds = sum(map(len, queues)), 0, 0.0
    while chosen < total:
        pages = [queue[start : start + PLACES] for queue, start in zip(queues, taken, strict=True)]
        began_s = time.process_time()
        plan = plan_dispatch(pages, PLACES, Dispatched(), rules, weights, chance.random)
        seconds += time.process_time() - began_s
        for candidate in plan.chosen:
            taken[place_of[candidate.job_id]] += 1
        chosen += len(plan.chosen)
    return chosen / seconds


def measure(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each number of READY jobs, without shares and with them."""
    rows = []
    for jobs in sizes:
        for shares in (1, SHARES):
            queues = ready_jobs(jobs, shares, random.Random(jobs))
            weights = {f"share-{number}": 1 + number for number in range(shares)}
            rows.append(
                {
                    "ready_jobs": jobs,
                    "shares": shares,
                    "candidates_per_second": round(candidates_per_second(queues, weights)),
                }
            )
    return rows


def main() -> int:
    """Measures, prints, writes the result."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dispatch_plan",
        description="Ranked candidates a second of the dispatch plan, in process.",
        epilog="example: python -m benchmarks.dispatch_plan --sizes 10000 100000",
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of READY jobs")
    rows = measure(parser.parse_args().sizes)
    sys.stdout.write(f"{'READY jobs':>12}{'shares':>8}{'candidates/s':>14}\n")
    for row in rows:
        sys.stdout.write(f"{row['ready_jobs']:12,}{row['shares']:8}{row['candidates_per_second']:14,}\n")
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
