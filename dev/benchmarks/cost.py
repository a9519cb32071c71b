"""Counts the cost of a job and of a dependency, from consumed capacity on the local stack.

Write units are those that DynamoDB bills, per table and index. They include refused conditional writes, which are
billed but reported neither by AWS nor by the local stack. Unless a row says otherwise, every event is handled on its
own, so the figures are upper bounds. Where a row says so, dispatchers take turns by leases, as they do by default. The
other rows use one reserved dispatcher. Prints tables and writes dev/benchmarks/results/cost.json. Exits with 1 when a
budget does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dev.benchmarks import prices
from dev.benchmarks.driver import STEPS, Driver
from dev.benchmarks.local_tables import local_world
from dev.benchmarks.report import BenchmarkReport, Goal, Table, finish
from dev.simulator.workflows.traces import sample_files
from tidegate.bootstrap import Usage
from tidegate.domain.dependency import DependencyType
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate_cli.documents.wfformat import to_workflow

EXAMPLE = "example: python -m dev.benchmarks.cost"
PLAIN_JOBS = 100
BUSY_BATCH = 10
MAX_UNITS_PER_PLAIN_JOB = 9.0
UNITS_PER_LEASE = 2.0
LEASE_SECONDS = 60
MAX_UNITS_PER_DEPENDENCY = 2.0
MAX_READS_WHEN_BUSY = 1.0
SLOTS = 16

Row = dict[str, Any]


def request_of(body: Mapping[str, Any]) -> WorkflowRequest:
    """Returns a workflow request made from the body that the WfFormat reader makes (edges are MUST_SUCCEED)."""
    return WorkflowRequest(
        name=body.get("name"),
        jobs=tuple(
            JobRequest(
                key=job["key"],
                name=job.get("name"),
                type=job["type"],
                parameters=job["parameters"],
                estimated_duration_seconds=job.get("estimated_duration_seconds"),
                timeout_seconds=job.get("timeout_seconds"),
                depends_on=tuple(
                    DependencyRequest(key=edge["key"], type=DependencyType.MUST_SUCCEED)
                    for edge in job.get("depends_on", [])
                ),
            )
            for job in body["jobs"]
        ),
    )


def plain_jobs(make_driver: Callable[[], Driver], name: str, batch: int) -> Row:
    """Runs jobs without dependencies, submitted one by one, with their events handled `batch` at a time."""
    driver = make_driver()
    driver.batch = batch
    driver.submit_jobs([JobRequest(type="tidegate.noop", name=f"job {n}") for n in range(PLAIN_JOBS)])
    driver.run_to_end(PLAIN_JOBS, {})
    return _row(name, PLAIN_JOBS, 0, driver)


def sample(make_driver: Callable[[], Driver], path: Path) -> Row:
    """Runs one recorded workflow with the recorded durations of its tasks."""
    body = to_workflow(json.loads(path.read_text(encoding="utf-8")), speed=1.0)
    request = request_of(body)
    durations_ms = {job.key or "": int(1_000 * (job.estimated_duration_seconds or 0)) for job in request.jobs}
    driver = make_driver()
    driver.submit_workflow(request)
    driver.run_to_end(len(request.jobs), durations_ms)
    edges = sum(len(job.depends_on) for job in request.jobs)
    return _row(path.name.removesuffix(".json"), len(request.jobs), edges, driver)


def _row(name: str, jobs: int, edges: int, driver: Driver) -> Row:
    return {
        "workload": name,
        "jobs": jobs,
        "dependencies": edges,
        "total": sum(driver.usage.values(), Usage()),
        "usage": dict(driver.usage),
        "invocations": dict(driver.invocations),
    }


def dollars_per_million(usage: Usage, invocations: int, api_calls: int, jobs: int) -> float:
    """Returns the cost of a million such jobs at list prices, in dollars."""
    dollars = (
        usage.write_units_total * prices.WRITE_UNITS
        + usage.read_units * prices.READ_UNITS
        + usage.requests_of("sqs") * prices.SQS_REQUESTS
        + invocations * prices.INVOCATIONS
        + api_calls * prices.API_CALLS
    )
    return round(dollars / jobs, 2)


def workloads_table(rows: Sequence[Row]) -> Table:
    """Makes a table with a line for each workload."""
    columns = (
        "workload", "jobs", "dependencies", "write units", "write units/job", "read units/job",
        "requests/job", "write units/dependency", "$/million jobs",
    )  # fmt: skip
    lines = []
    for row in rows:
        total, jobs, edges = row["total"], row["jobs"], row["dependencies"]
        units = total.write_units_total
        calls = row["invocations"]
        beyond = round((units - MAX_UNITS_PER_PLAIN_JOB * jobs) / edges, 2) if edges else None
        lines.append(
            (
                row["workload"], jobs, edges, round(units), round(units / jobs, 2),
                round(total.read_units / jobs, 2), round(sum(total.requests.values()) / jobs, 2), beyond,
                dollars_per_million(total, sum(calls.values()), calls.get("submit", 0), jobs),
            )
        )  # fmt: skip
    return Table("Workloads", columns, lines)


def steps_table(row: Row) -> Table:
    """Makes a table of the cost of each step of a plain job."""
    columns = (
        "step", "write units", "of them index", "read units", "DynamoDB requests", "SQS requests",
        "Lambda requests", "$/million jobs",
    )  # fmt: skip
    jobs, lines = row["jobs"], []
    for step in STEPS:
        usage, calls = row["usage"][step], row["invocations"].get(step, 0)
        api_calls = calls if step == "submit" else 0
        figures = (
            usage.write_units_total, usage.index_write_units, usage.read_units, usage.requests_of("dynamodb"),
            usage.requests_of("sqs"), calls,
        )  # fmt: skip
        shares = [round(figure / jobs, 2) for figure in figures]
        lines.append((step, *shares, dollars_per_million(usage, calls, api_calls, jobs)))
    return Table(f"Each step of {row['workload']}, per job", columns, lines)


def units_by_step_table(rows: Sequence[Row]) -> Table:
    """Makes a table of the write units of each workload by step."""
    lines = [
        (row["workload"], *(round(row["usage"][step].write_units_total) for step in STEPS)) for row in rows
    ]
    return Table("Write units by step", ("workload", *STEPS), lines)


def goals_of(rows: Sequence[Row]) -> list[Goal]:
    """Returns the figures that have budgets."""
    plain, busy, plain_in_turns, busy_in_turns = rows[:4]
    samples = rows[4:]
    goals = [
        Goal(
            "write units per plain job",
            plain["total"].write_units_total / plain["jobs"],
            MAX_UNITS_PER_PLAIN_JOB,
        ),
        Goal(
            "read units per plain job when busy", busy["total"].read_units / busy["jobs"], MAX_READS_WHEN_BUSY
        ),
        Goal(
            "write units per plain job, dispatchers take turns",
            plain_in_turns["total"].write_units_total / plain_in_turns["jobs"],
            MAX_UNITS_PER_PLAIN_JOB + UNITS_PER_LEASE,
        ),
        Goal(
            "write units per plain job when busy, dispatchers take turns",
            busy_in_turns["total"].write_units_total / busy_in_turns["jobs"],
            MAX_UNITS_PER_PLAIN_JOB + UNITS_PER_LEASE / BUSY_BATCH + 0.05,
        ),
    ]
    edges = sum(row["dependencies"] for row in samples)
    if edges:
        extra = sum(row["total"].write_units_total - MAX_UNITS_PER_PLAIN_JOB * row["jobs"] for row in samples)
        goals.append(
            Goal(
                "write units per dependency, over all samples",
                round(extra / edges, 3),
                MAX_UNITS_PER_DEPENDENCY,
            )
        )
    return goals


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. Returns 1 where a budget does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.cost", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.parse_args(arguments)
    with local_world(slots=SLOTS) as make_driver:
        in_turns = partial(make_driver, lease_seconds=LEASE_SECONDS)
        rows = [
            plain_jobs(make_driver, "plain jobs", 1),
            plain_jobs(make_driver, f"plain jobs, {BUSY_BATCH} events at a time", BUSY_BATCH),
            plain_jobs(in_turns, "plain jobs, dispatchers take turns", 1),
            plain_jobs(in_turns, f"plain jobs, {BUSY_BATCH} events at a time, in turns", BUSY_BATCH),
        ]
        paths = sample_files()
        if not paths:
            sys.stderr.write("cost: no WfFormat samples beside the project; measuring plain jobs only\n")
        for path in paths:
            sys.stderr.write(f"cost: {path.name}\n")
            rows.append(sample(make_driver, path))
    return finish(
        BenchmarkReport(
            name="cost",
            title="Cost of a job and a dependency",
            command="make -C dev/benchmarks cost",
            about=(
                "Counted on the local stack from the items written and read, one event after another unless "
                "a row says otherwise. A refused condition counts a unit per KB. One dispatcher is reserved "
                "(`DispatcherConcurrency=1`), unless a row says that dispatchers take turns by leases, as "
                f"they do by default. Dollars at list prices of {prices.AS_OF}, without Lambda's time. Plain "
                "jobs are submitted with one call each, in the function pool."
            ),
            goals=goals_of(rows),
            tables=[
                workloads_table(rows),
                steps_table(rows[0]),
                steps_table(rows[1]),
                steps_table(rows[2]),
                units_by_step_table(rows),
            ],
        )
    )


if __name__ == "__main__":
    sys.exit(main())
