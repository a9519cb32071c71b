"""How busy a worker process keeps its slots, and what it asks of AWS for a job.

Usage: python -m benchmarks.worker_process [in-memory | executor | stack]...

Three measurements, all of them without arguments:
- in-memory: one process over stores in memory whose calls take 10 ms each: jobs of 5 ms, and jobs one after the other;
- executor: no-ops through the job processes alone, without any store;
- stack: 1,000 no-ops and a chain of 100 through `tidegate worker --slots 8` on a local stack of its own.
Prints them and writes benchmarks/results/worker_process.json; what was not measured keeps its place there. Local speed
says nothing about AWS, and depends on what else the machine does; requests and units do not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.worker_executor import no_ops
from benchmarks.worker_slots import in_memory, one_after_the_other
from benchmarks.worker_stack import on_stack

RESULTS = Path(__file__).parent / "results" / "worker_process.json"
SLOTS = (4, 8, 16)
CHAIN_JOBS = 100
PLAIN_JOBS = 1_000
WINDOWS = ("2", "10")  # the template's default, and one for jobs that take no time
NOOP = {"type": "tidegate.noop"}

Row = dict[str, Any]


def _in_memory() -> list[Row]:
    return [*(in_memory(slots) for slots in SLOTS), one_after_the_other(CHAIN_JOBS)]


def _executor() -> list[Row]:
    return [no_ops(slots) for slots in (1, 8)]


def _stack() -> list[Row]:
    plain = [{"key": f"n{number}", **NOOP} for number in range(PLAIN_JOBS)]
    chain = [
        {"key": f"c{number}", **NOOP, "depends_on": [{"key": f"c{number - 1}"}] if number else []}
        for number in range(CHAIN_JOBS)
    ]
    return [row for window in WINDOWS for row in on_stack(window, {"no-ops": plain, "chain": chain})]


MEASUREMENTS: Mapping[str, Callable[[], list[Row]]] = {
    "in-memory": _in_memory,
    "executor": _executor,
    "stack": _stack,
}


def main() -> int:
    """Measures, prints, writes the results; 2 where an argument is none of the measurements."""
    wanted = sys.argv[1:] or list(MEASUREMENTS)
    if not set(wanted) <= MEASUREMENTS.keys():
        sys.stderr.write(f"worker_process: the measurements are {', '.join(MEASUREMENTS)}\n")
        return 2
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in wanted:
        results[name] = MEASUREMENTS[name]()
        sys.stdout.write(json.dumps({name: results[name]}, indent=2) + "\n")
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
