"""Measures how soon a job that is submitted alone starts, on the local stack.

Usage: python -m dev.benchmarks.latency [JOBS]

Submits jobs one after the other through the HTTPS API, each after the end of the job before it, and prints the time
from acceptance to start of each job. The jobs run in the worker function, which is warm after the first job. Repeats
this where the dispatcher has one reserved execution and so needs no lease (`alone`). Writes
dev/benchmarks/results/latency.json. Exits with 1 when a median is above the promise. Local time says nothing about AWS.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from dev.benchmarks.own_stack import own_stack_info
from tidegate_cli.client import Client

RESULTS = Path(__file__).parent / "results" / "latency.json"
DEFAULT_JOBS = 30
PROMISED_MEDIAN_SECONDS = 2.0
PATIENCE_SECONDS = 90.0


def one_job(client: Client) -> float:
    """Returns the seconds from acceptance to start of one job that has the system to itself."""
    job_id = client.submit_job({"type": "tidegate.noop"}).id
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline_s:
        job = client.get_job(job_id)
        if job.state == "SUCCEEDED" and job.started_at_ms is not None and job.created_at_ms is not None:
            return (job.started_at_ms - job.created_at_ms) / 1_000
        time.sleep(0.05)
    raise TimeoutError(f"job {job_id} did not end within {PATIENCE_SECONDS} s")


def measure(jobs: int, parameters: Mapping[str, str]) -> dict[str, float]:
    """Returns the seconds that jobs waited, on a stack of its own with these parameters."""
    with own_stack_info(parameters) as (_, client, _home):
        waits = [one_job(client) for _ in range(jobs)]
    ordered = sorted(waits)
    return {
        "first_seconds": waits[0],
        "median_seconds": statistics.median(waits),
        "p95_seconds": ordered[int(0.95 * (jobs - 1))],
        "max_seconds": ordered[-1],
    }


def main() -> int:
    """Measures, prints and writes the result. Returns 1 where the promise does not hold."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_JOBS
    alone = measure(jobs, {"DispatcherConcurrency": "1"})
    figures = {
        "jobs": jobs,
        **measure(jobs, {}),
        **{f"alone_{name}": value for name, value in alone.items()},
        "promised_median_seconds": PROMISED_MEDIAN_SECONDS,
    }
    for name, value in figures.items():
        sys.stdout.write(f"{name:28}{value:9.3f}\n")
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    medians = (figures["median_seconds"], figures["alone_median_seconds"])
    return 0 if max(medians) <= PROMISED_MEDIAN_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
