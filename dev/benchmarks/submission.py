"""Measures how long one HTTPS call that submits 10,000 jobs takes, on the local stack.

Usage: python -m dev.benchmarks.submission

Measures three shapes: 10,000 jobs without dependencies, a chain of 10,000, and one job that all others wait for. The
platform ends a call after 29 s. Writes dev/benchmarks/results/submission.json. Exits with 1 when a call took longer.
The jobs go to a pool without workers, so that the time is that of the submission alone. Local time says nothing about
AWS.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from dev.benchmarks.own_stack import own_stack, say

RESULTS = Path(__file__).parent / "results" / "submission.json"
JOBS = 10_000
PLATFORM_LIMIT_SECONDS = 29.0


def body(shape: str) -> dict[str, Any]:
    """Makes a workflow of 10,000 jobs: `flat`, `chain` or `fan-out`."""
    jobs: list[dict[str, Any]] = []
    for index in range(JOBS):
        job: dict[str, Any] = {"key": f"job-{index}", "type": "tidegate.noop"}
        if index and shape != "flat":
            job["depends_on"] = [{"key": f"job-{index - 1 if shape == 'chain' else 0}"}]
        jobs.append(job)
    return {"name": shape, "pool": "ecs", "jobs": jobs}


def main() -> int:
    """Measures, prints and writes the result. Returns 1 where a call took longer than the platform allows."""
    rows: list[dict[str, Any]] = []
    with own_stack() as client:
        for shape in ("flat", "chain", "fan-out"):
            say(f"submission: {shape}")
            request = body(shape)
            began_s = time.perf_counter()
            accepted = client.submit_workflow(request)
            seconds = time.perf_counter() - began_s
            megabytes = len(json.dumps(request)) / 1e6
            rows.append(
                {"shape": shape, "jobs": len(accepted.job_ids), "megabytes": megabytes, "seconds": seconds}
            )
    for row in rows:
        sys.stdout.write(
            f"{row['shape']:10}{row['jobs']:8} jobs{row['megabytes']:8.2f} MB{row['seconds']:8.2f} s\n"
        )
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row["seconds"] <= PLATFORM_LIMIT_SECONDS for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
