"""Measures how busy a worker process keeps its slots, and how many requests to AWS a job takes.

Three measurements, all of them without arguments:
- in-memory: one process over stores in memory whose calls take 10 ms each: jobs of 5 ms, and jobs one after the other;
- executor: no-ops through the job processes alone, without any store;
- stack: 1,000 no-ops and a chain of 100 through `tidegate worker` on local stacks of its own.
Prints tables and writes dev/benchmarks/results/worker_process.json. A measurement that did not run keeps its earlier
figures there. Local speed says nothing about AWS, and depends on the load of the machine. Requests and units do not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dev.benchmarks.report import RESULTS, BenchmarkReport, Cell, Goal, Table, finish, from_json
from dev.benchmarks.worker_executor import no_ops
from dev.benchmarks.worker_slots import in_memory, one_after_the_other
from dev.benchmarks.worker_stack import on_stack

SLOTS = (4, 8, 16)
CHAIN_JOBS = 100
PLAIN_JOBS = 1_000
# The template's default window with a small and a busier process, and a window for jobs that take no time.
SETUPS = (("2", 8), ("2", 32), ("10", 8))
NOOP = {"type": "tidegate.noop"}
BUSY_WINDOW_SLOTS = 64  # dispatched at once; with fewer, batches of ten do not fill
LEAST_UTILISATION = 0.9
MOST_REQUESTS = 3.0
MOST_SQS_REQUESTS = 0.35
MOST_WRITE_UNITS = 9.5  # nine, and the dispatch lease, which only a stack without reserved concurrency writes
EXAMPLE = "example: python -m dev.benchmarks.worker_process stack"

Row = dict[str, Any]


def _in_memory() -> list[Table]:
    rows = [in_memory(slots) for slots in SLOTS]
    alone = one_after_the_other(CHAIN_JOBS)
    return [
        _table(
            "Jobs of 5 ms over stores whose calls take 10 ms",
            ("slots", "jobs", "jobs_per_second", "slot_utilisation", "requests_per_job"),
            rows,
        ),
        _table(
            "Jobs one after the other over such stores",
            ("jobs", "seconds_per_job", "requests_per_job"),
            [alone],
        ),
    ]


def _executor() -> list[Table]:
    names = ("slots", "jobs_per_second", "parent_cpu_microseconds_per_job")
    return [_table("No-ops through the job processes alone", names, [no_ops(slots) for slots in (1, 8)])]


def _stack() -> list[Table]:
    plain = [{"key": f"n{number}", **NOOP} for number in range(PLAIN_JOBS)]
    chain = [
        {"key": f"c{number}", **NOOP, "depends_on": [{"key": f"c{number - 1}"}] if number else []}
        for number in range(CHAIN_JOBS)
    ]
    rows = [row for setup in SETUPS for row in on_stack(*setup, {"no-ops": plain, "chain": chain})]
    names = (
        "workload", "slots", "window", "jobs", "jobs_per_second", "jobs_per_second_from_first_start",
        "requests_per_job", "sqs_requests_per_job", "write_units_per_job", "read_units_per_job",
    )  # fmt: skip
    by_part = [
        (f"{row['workload']}, {row['slots']} slots, window {row['window']:g}", part, call, count)
        for row in rows
        for part, calls in row["requests_per_job_by_part"].items()
        for call, count in calls.items()
    ]
    return [
        _table("On the local stack, from submission to end", names, rows),
        Table("Its requests per job", ("workload", "part", "request", "per job"), by_part),
    ]


def _table(title: str, names: Sequence[str], rows: Sequence[Row]) -> Table:
    columns = [name.replace("_per_", "/").replace("_", " ") for name in names]
    return Table(title, columns, [[row[name] for name in names] for row in rows])


MEASUREMENTS: Mapping[str, Callable[[], list[Table]]] = {
    "in-memory": _in_memory,
    "executor": _executor,
    "stack": _stack,
}


def goals_of(tables: Sequence[Table]) -> list[Goal]:
    """Returns the goals of the figures that were measured."""
    goals = []
    for table in tables:
        if "slot utilisation" in table.columns:
            least = min(_column(table, "slot utilisation"))
            goals.append(Goal("slot utilisation at 5 ms jobs, least", least, at_least=LEAST_UTILISATION))
        if "sqs requests/job" in table.columns:
            plain = Table(table.title, table.columns, [row for row in table.rows if row[0] == "no-ops"])
            requests, units = _column(plain, "requests/job"), _column(plain, "write units/job")
            goals.append(Goal("requests per no-op job, most", max(requests), MOST_REQUESTS))
            in_flight = zip(_column(plain, "slots"), _column(plain, "window"), strict=True)
            busy = [
                sqs
                for (slots, window), sqs in zip(in_flight, _column(plain, "sqs requests/job"), strict=True)
                if slots * window >= BUSY_WINDOW_SLOTS
            ]
            name = f"SQS requests per no-op job when busy ({BUSY_WINDOW_SLOTS} window slots or more), most"
            goals.append(Goal(name, max(busy), MOST_SQS_REQUESTS))
            goals.append(
                Goal("write units per no-op job, leases included, most", max(units), MOST_WRITE_UNITS)
            )
    return goals


def _column(table: Table, name: str) -> list[float]:
    place = list(table.columns).index(name)
    return [_number(row[place]) for row in table.rows]


def _number(cell: Cell) -> float:
    if isinstance(cell, int | float):
        return float(cell)
    raise TypeError(f"{cell!r} is no figure")


def _earlier(wanted: Sequence[str]) -> dict[str, list[Table]]:
    """Reads the figures of earlier runs, by measurement."""
    path = RESULTS / "worker_process.json"
    if set(wanted) == set(MEASUREMENTS) or not path.exists():
        return {}
    tables = from_json(json.loads(path.read_text(encoding="utf-8"))).tables
    sizes = {"in-memory": 2, "executor": 1, "stack": 2}
    kept: dict[str, list[Table]] = {}
    rest = list(tables)
    for name, size in sizes.items():
        kept[name], rest = rest[:size], rest[size:]
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the results. Returns exit code 1 where a goal does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.worker_process", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("measurements", nargs="*", choices=[*MEASUREMENTS, []], help="default: all of them")
    wanted = parser.parse_args(arguments).measurements or list(MEASUREMENTS)
    found = _earlier(wanted)
    for name in wanted:
        sys.stderr.write(f"worker_process: {name}\n")
        found[name] = MEASUREMENTS[name]()
    tables = [table for name in MEASUREMENTS for table in found.get(name, ())]
    return finish(
        BenchmarkReport(
            name="worker_process",
            title="Worker process",
            command="make -C dev/benchmarks worker",
            about=(
                "The busy time of a worker process's slots, and its requests to AWS for a job. On the local "
                "stack dispatchers take turns by leases, whose writes are counted. The API's reads for "
                "watching clients are not counted."
            ),
            goals=goals_of(tables),
            tables=tables,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
