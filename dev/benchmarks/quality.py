"""Measures how good the order of starts is: makespans of recorded workflows in the simulator, beside list schedules.

The use cases are the deployed ones on a virtual clock. The stream calls the dispatcher at once, one pool has as many
slots as its window lets through (window 1), and starting a job takes no time. The yardstick is the table in the
samples' README (../shared/wfinstances): `priority-cp`, the list schedule that starts the ready job with the longest
remaining path.

Writes dev/benchmarks/results/quality.json. Exits with 1 where a makespan with the critical-path weight exceeds the
yardstick by more than 2 %, and with 2 where the samples are not beside the project.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dev.benchmarks.report import BenchmarkReport, Goal, Range, RangeChart, Table, finish
from dev.simulator.checks.invariants import check_all
from dev.simulator.memory.seeded import START_MS, function_pool, make_services, make_settings
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options, Simulator
from dev.simulator.workflows.traces import SAMPLES, Trace, read_trace, sample_files
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.usecases.submit.submit import submit_workflow

SLOTS = (4, 16, 64)
WEIGHTS = (0.1, 1.0, 10.0, 100.0, 1_000.0)
JUDGED_WEIGHT = 100.0
FIFO_ORDERS = 30
ALLOWED_RATIO = 1.02
EXAMPLE = "example: python -m dev.benchmarks.quality --orders 5"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """One row of the samples' table, in seconds."""

    lower_bound: float
    fifo: float
    critical_path: float


@dataclass(frozen=True, slots=True)
class Cell:
    """Makespans of one workflow at one number of slots, in seconds."""

    instance: str
    slots: int
    yardstick: Yardstick
    plain: float  # equal priorities, jobs submitted in the order of the file
    fifo: tuple[float, ...]  # equal priorities, jobs submitted in orders drawn from seeds
    by_weight: Mapping[float, float]
    misjudged: tuple[float, ...]  # the judged weight, with estimates wrong by factors drawn from seeds

    @property
    def ratio(self) -> float:
        """Returns the makespan with the judged weight divided by that of the yardstick's critical-path schedule."""
        return self.by_weight[JUDGED_WEIGHT] / self.yardstick.critical_path


def read_yardsticks(readme: str) -> dict[tuple[str, int], Yardstick]:
    """Reads the table of simulated makespans, by instance and number of workers."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in readme.splitlines()]
    head = next(place for place, row in enumerate(rows) if row[:2] == ["instance", "W"])
    column = {name: place for place, name in enumerate(rows[head])}

    def seconds(row: Sequence[str], name: str) -> float:
        return float(row[column[name]].split()[0].replace(",", ""))

    found: dict[tuple[str, int], Yardstick] = {}
    for row in rows[head + 2 :]:
        if len(row) != len(column):
            break
        found[row[0], int(row[1])] = Yardstick(
            seconds(row, "lower bound s"), seconds(row, "fifo s"), seconds(row, "priority-cp s")
        )
    return found


def instance_name(trace: Trace) -> str:
    """Returns the table's name for a file: the file's name without the place and number of the run."""
    return "-".join(part for part in trace.name.split("-") if part not in ("chameleon", "dirt02", "001"))


def makespan_seconds(
    trace: Trace, slots: int, weight: float, jobs: Sequence[JobRequest] | None = None
) -> float:
    """Returns the seconds from submission to the last end. `jobs` are those of the trace in another order."""
    services, world = make_services(make_settings(function_pool("lambda", slots), window=1.0), seed=1)
    request = WorkflowRequest(jobs=tuple(jobs or trace.jobs), critical_path_weight=weight)
    simulator = Simulator(
        services,
        world,
        lambda assignment: succeeds(trace.runtime_ms(assignment.key)),
        Options(slots=slots, stream_delay_ms=0),
    )
    simulator.plan(
        0,
        lambda: submit_workflow(
            services, request, idempotency_key=None, fingerprint="", now_ms=simulator.now_ms
        ),
    )
    simulator.run()
    check_all(simulator)
    return (max(job.finished_at_ms or 0 for job in world.jobs.values()) - START_MS) / 1_000


def shuffled(jobs: Sequence[JobRequest], seed: int) -> list[JobRequest]:
    """Returns the jobs in a random order, so that jobs that become ready at one instant start in another order."""
    drawn = list(jobs)
    random.Random(seed).shuffle(drawn)  # seeded, so that the run can be repeated  # nosec B311
    return drawn


def misjudged(jobs: Sequence[JobRequest], seed: int) -> list[JobRequest]:
    """Returns the jobs with estimates that are wrong by up to a factor of 2 either way."""
    draw = random.Random(seed)  # seeded, so that the run can be repeated  # nosec B311
    return [
        replace(
            job, estimated_duration_seconds=(job.estimated_duration_seconds or 0.0) * 2 ** draw.uniform(-1, 1)
        )
        for job in jobs
    ]


def measure(trace: Trace, slots: int, yardstick: Yardstick, orders: int) -> Cell:
    """Measures all schedules of one workflow at one number of slots."""
    return Cell(
        instance=instance_name(trace),
        slots=slots,
        yardstick=yardstick,
        plain=makespan_seconds(trace, slots, 0.0),
        fifo=tuple(makespan_seconds(trace, slots, 0.0, shuffled(trace.jobs, seed)) for seed in range(orders)),
        by_weight={weight: makespan_seconds(trace, slots, weight) for weight in WEIGHTS},
        misjudged=tuple(
            makespan_seconds(trace, slots, JUDGED_WEIGHT, misjudged(trace.jobs, seed))
            for seed in range(orders)
        ),
    )


def report_of(cells: Sequence[Cell]) -> BenchmarkReport:
    """Makes the report."""
    columns = (
        "workflow", "slots", "table fifo s", "table priority-cp s", "plain s", "fifo min s", "fifo max s",
        "weight on s", "ratio", "within 2 %",
    )  # fmt: skip
    rows = [
        (
            cell.instance, cell.slots, cell.yardstick.fifo, cell.yardstick.critical_path, cell.plain,
            min(cell.fifo), max(cell.fifo), cell.by_weight[JUDGED_WEIGHT], round(cell.ratio, 4),
            cell.ratio <= ALLOWED_RATIO,
        )
        for cell in cells
    ]  # fmt: skip
    return BenchmarkReport(
        name="quality",
        title="Scheduling quality",
        command="make -C dev/benchmarks quality",
        about=(
            "Makespans of recorded workflows in the simulator: the deployed use cases on a virtual clock, "
            "one pool, window 1, no time between an end and the next start. The table is the one in the "
            "samples' README. Plain and fifo have equal priorities, so the job that is ready first goes "
            f"first. Plain submits the jobs in the file's order. Fifo is the range over {len(cells[0].fifo)} "
            "orders, which break ties differently. Weight on is a critical-path weight of "
            f"{JUDGED_WEIGHT:g}. Ratio is its makespan over the table's critical-path list schedule."
        ),
        goals=[Goal("worst ratio to priority-cp", max(cell.ratio for cell in cells), ALLOWED_RATIO)],
        tables=[Table("Makespans", columns, rows), _orders_table(cells)],
        range_charts=[
            RangeChart(
                title="Makespan over the critical-path list schedule",
                x_label="ratio to the table's priority-cp",
                bars="fifo, range over orders",
                rows=[_range_of(cell) for cell in cells],
            )
        ],
    )


def _orders_table(cells: Sequence[Cell]) -> Table:
    """Makes a table of each order with its worst and its mean ratio over all cells."""
    ways: dict[str, list[float]] = {
        "equal priorities, file order": [cell.plain / cell.yardstick.critical_path for cell in cells],
        "equal priorities, any order": [
            each / cell.yardstick.critical_path for cell in cells for each in cell.fifo
        ],
    }
    for weight in WEIGHTS:
        ways[f"weight {weight:g}"] = [cell.by_weight[weight] / cell.yardstick.critical_path for cell in cells]
    ways[f"weight {JUDGED_WEIGHT:g}, estimates wrong by up to a factor of 2"] = [
        each / cell.yardstick.critical_path for cell in cells for each in cell.misjudged
    ]
    rows = [(way, round(max(each), 4), round(statistics.mean(each), 4)) for way, each in ways.items()]
    return Table("Ratio to priority-cp, over all workflows and slots", ("order", "worst", "mean"), rows)


def _range_of(cell: Cell) -> Range:
    base = cell.yardstick.critical_path
    return Range(
        label=f"{cell.instance} x {cell.slots}",
        low=round(min(cell.fifo) / base, 4),
        high=round(max(cell.fifo) / base, 4),
        marks={"plain": round(cell.plain / base, 4), "weight on": round(cell.ratio, 4)},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. The exit code says whether the goal holds."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.quality", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--orders", type=int, default=FIFO_ORDERS, help="orders to try for fifo, and wrong estimates"
    )
    orders: int = parser.parse_args(arguments).orders
    files: Sequence[Path] = sample_files()
    readme = SAMPLES / "README.md"
    if not files or not readme.is_file():
        sys.stderr.write("quality: the WfFormat samples are not beside the project (../shared/wfinstances)\n")
        return 2
    yardsticks = read_yardsticks(readme.read_text(encoding="utf-8"))
    cells = []
    for file in files:
        trace = read_trace(file)
        sys.stderr.write(f"quality: {trace.name}\n")
        cells += [
            measure(trace, slots, yardsticks[instance_name(trace), slots], max(1, orders)) for slots in SLOTS
        ]
    return finish(report_of(cells))


if __name__ == "__main__":
    sys.exit(main())
