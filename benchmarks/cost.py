"""What a job and a dependency cost, counted from consumed capacity on the local stack.

Usage: python -m benchmarks.cost

Prints a table by step and writes benchmarks/results/cost.json. Write units are those that DynamoDB reports, per
table and index, with one more per KB for every conditional write that was refused (billed, but not reported).
Unless a row says otherwise, every event is handled on its own: upper bounds. Exits 1 when a budget
does not hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.driver import STEPS, Driver
from benchmarks.local_tables import local_world
from tidegate.bootstrap import Usage
from tidegate.domain.dependency import DependencyType
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate_cli.wfformat import to_workflow

RESULTS = Path(__file__).parent / "results" / "cost.json"
SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "wfinstances"
PLAIN_JOBS = 100
BUSY_BATCH = 10
MAX_UNITS_PER_PLAIN_JOB = 9.0
MAX_UNITS_PER_DEPENDENCY = 2.0
SLOTS = 16

Row = dict[str, Any]


def request_of(body: Mapping[str, Any]) -> WorkflowRequest:
    """A workflow request from the body that the WfFormat reader makes (edges are MUST_SUCCEED)."""
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
    """Jobs without dependencies, submitted one by one; their events handled `batch` at a time."""
    driver = make_driver()
    driver.batch = batch
    driver.submit_jobs([JobRequest(type="tidegate.noop", name=f"job {n}") for n in range(PLAIN_JOBS)])
    driver.run_to_end(PLAIN_JOBS, {})
    return _row(name, PLAIN_JOBS, 0, driver)


def sample(make_driver: Callable[[], Driver], path: Path) -> Row:
    """One recorded workflow, its tasks as long as they were recorded."""
    body = to_workflow(json.loads(path.read_text(encoding="utf-8")), speed=1.0)
    request = request_of(body)
    durations_ms = {job.key or "": int(1_000 * (job.estimated_duration_seconds or 0)) for job in request.jobs}
    driver = make_driver()
    driver.submit_workflow(request)
    driver.run_to_end(len(request.jobs), durations_ms)
    edges = sum(len(job.depends_on) for job in request.jobs)
    return _row(path.name.removesuffix(".json"), len(request.jobs), edges, driver)


def _row(name: str, jobs: int, edges: int, driver: Driver) -> Row:
    total = sum(driver.usage.values(), Usage())
    return {
        "workload": name,
        "jobs": jobs,
        "dependencies": edges,
        "write_units": total.write_units_total,
        "read_units": total.read_units,
        "requests": sum(total.requests.values()),
        "write_units_by_step": {step: driver.usage[step].write_units_total for step in STEPS},
        "write_units_by_index": _by_place(total.write_units),
        "requests_by_operation": _by_place(total.requests),
    }


def _by_place(counts: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Counts by "service.operation" or "table.index", without the benchmark's number in a table's name."""
    return {
        f"{first.partition('-')[2] or first}.{second}": count for (first, second), count in counts.items()
    }


def summary(rows: list[Row]) -> Row:
    """The figures that the budgets are about."""
    plain, busy, samples = rows[0], rows[1], rows[2:]
    per_job = plain["write_units"] / plain["jobs"]
    result: Row = {
        "write_units_per_plain_job": per_job,
        "read_units_per_plain_job": plain["read_units"] / plain["jobs"],
        "read_units_per_plain_job_when_busy": busy["read_units"] / busy["jobs"],
        "requests_per_plain_job": plain["requests"] / plain["jobs"],
        "max_write_units_per_plain_job": MAX_UNITS_PER_PLAIN_JOB,
        "max_write_units_per_dependency": MAX_UNITS_PER_DEPENDENCY,
    }
    edges = sum(row["dependencies"] for row in samples)
    if edges:
        extra = sum(row["write_units"] - MAX_UNITS_PER_PLAIN_JOB * row["jobs"] for row in samples)
        result["write_units_per_dependency"] = extra / edges
    return result


def _print(rows: list[Row], figures: Row) -> None:
    out = sys.stdout.write
    out(
        f"{'workload':42}{'jobs':>6}{'deps':>6}{'WU':>9}{'WU/job':>8}{'RU/job':>8}{'req/job':>8}{'+WU/dep':>9}\n"
    )
    for row in rows:
        extra = row["write_units"] - MAX_UNITS_PER_PLAIN_JOB * row["jobs"]
        per_edge = f"{extra / row['dependencies']:9.2f}" if row["dependencies"] else f"{'':9}"
        jobs = row["jobs"]
        out(
            f"{row['workload']:42}{jobs:6}{row['dependencies']:6}{row['write_units']:9.0f}"
            f"{row['write_units'] / jobs:8.2f}{row['read_units'] / jobs:8.2f}"
            f"{row['requests'] / jobs:8.2f}{per_edge}\n"
        )
    out("\nwrite units by step\n")
    out(f"{'workload':42}" + "".join(f"{step:>12}" for step in STEPS) + "\n")
    for row in rows:
        out(
            f"{row['workload']:42}"
            + "".join(f"{row['write_units_by_step'][step]:12.0f}" for step in STEPS)
            + "\n"
        )
    out("\n")
    for name, value in figures.items():
        out(f"{name:36}{value:8.2f}\n")


def main() -> int:
    """Measures, prints, writes the result; 1 where a budget does not hold."""
    with local_world(slots=SLOTS) as make_driver:
        rows = [
            plain_jobs(make_driver, "plain jobs", 1),
            plain_jobs(make_driver, f"plain jobs, {BUSY_BATCH} events at a time", BUSY_BATCH),
        ]
        paths = sorted(SAMPLES.glob("*.json"))
        if not paths:
            sys.stderr.write("cost: no WfFormat samples beside the project; measuring plain jobs only\n")
        for path in paths:
            sys.stderr.write(f"cost: {path.name}\n")
            rows.append(sample(make_driver, path))
    figures = summary(rows)
    _print(rows, figures)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"figures": figures, "workloads": rows}, indent=2) + "\n", encoding="utf-8")
    holds = figures["write_units_per_plain_job"] <= MAX_UNITS_PER_PLAIN_JOB
    holds = holds and figures.get("write_units_per_dependency", 0.0) <= MAX_UNITS_PER_DEPENDENCY
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
