"""The report of a workflow that has ended: its jobs in the order they ran, its critical path, its AWS usage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from tidegate.domain.graph import analyse_chains
from tidegate.domain.states import State
from tidegate_cli.following.eta import upstream_indexes
from tidegate_cli.following.live import STYLES, counts_text, duration_text
from tidegate_cli.following.order_check import OrderViolation, check_order
from tidegate_cli.following.usage import Usage, total_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.views import JobView, format_time, labels_of, printable, with_labels


@dataclass(frozen=True, slots=True)
class WorkflowReport:
    """The facts of a workflow that has ended. `usage` is None if the deployment's logs can't be read.

    `began_ms` is the first job's creation and `ended_ms` the last job's end, in milliseconds since the epoch.
    """

    workflow_id: str
    name: str | None
    jobs: tuple[JobView, ...]
    began_ms: int | None
    ended_ms: int | None
    critical_path: tuple[JobView, ...]
    critical_path_seconds: float
    violations: tuple[OrderViolation, ...]
    usage: Usage | None = None

    @property
    def makespan_seconds(self) -> float | None:
        """Returns the seconds from the first job's creation to the last job's end; None if a time is not known."""
        if self.began_ms is None or self.ended_ms is None:
            return None
        return (self.ended_ms - self.began_ms) / 1_000


def build_report(
    workflow_id: str, name: str | None, jobs: Sequence[JobView], usage: Usage | None = None
) -> WorkflowReport:
    """Returns the report of a workflow. Its jobs are in the order they started; those that never started come last."""
    chains = analyse_chains(
        upstream_indexes(jobs), {index: job.actual_seconds or 0.0 for index, job in enumerate(jobs)}
    )
    ordered = sorted(
        jobs, key=lambda job: (job.started_at_ms is None, job.started_at_ms or job.finished_at_ms or 0)
    )
    return WorkflowReport(
        workflow_id=workflow_id,
        name=name,
        jobs=tuple(ordered),
        began_ms=min((job.created_at_ms for job in jobs if job.created_at_ms is not None), default=None),
        ended_ms=max((job.finished_at_ms for job in jobs if job.finished_at_ms is not None), default=None),
        critical_path=tuple(
            jobs[index] for index in chains.critical_path if jobs[index].actual_seconds is not None
        ),
        critical_path_seconds=chains.critical_path_seconds,
        violations=tuple(check_order(jobs)),
        usage=usage,
    )


def wait_seconds(job: JobView) -> float | None:
    """Returns the seconds from the time the job became READY to the start of its last attempt; None if not known."""
    if job.ready_at_ms is None or job.started_at_ms is None:
        return None
    return (job.started_at_ms - job.ready_at_ms) / 1_000


def report_json(report: WorkflowReport) -> dict[str, Any]:
    """Returns the report as one JSON object, without the jobs' parameters, results and histories."""
    usage = None
    if report.usage is not None:
        usage = {
            **total_of(report.usage).as_json(),
            "by_part": {part: totals.as_json() for part, totals in report.usage.items()},
        }
    return {
        "workflow_id": report.workflow_id,
        "name": report.name,
        "states": dict(Counter(job.state.value for job in report.jobs)),
        "began_at": format_time(report.began_ms) if report.began_ms is not None else None,
        "ended_at": format_time(report.ended_ms) if report.ended_ms is not None else None,
        "makespan_seconds": report.makespan_seconds,
        "critical_path": {
            "seconds": round(report.critical_path_seconds, 3),
            "jobs": [job.label for job in report.critical_path],
        },
        "order_violations": [str(violation) for violation in report.violations],
        "usage": usage,
        "jobs": [_job_json(order, job) for order, job in enumerate(report.jobs, start=1)],
    }


def _job_json(order: int, job: JobView) -> dict[str, Any]:
    return {
        "order": order,
        "wait_seconds": wait_seconds(job),
        "run_seconds": job.actual_seconds,
        **{name: value for name, value in job.raw.items() if name not in ("parameters", "result", "history")},
    }


def print_report(report: WorkflowReport, console: Console) -> None:
    """Prints the report for people."""
    console.print()
    console.print(
        Text(printable(report.name or report.workflow_id), style="bold"),
        Text(report.workflow_id, style="dim"),
    )
    print_table(_jobs_table(report), console)
    _print_reasons(report, console)
    console.print(Text("states         "), counts_text(report.jobs))
    console.print(f"makespan       {duration_text(report.makespan_seconds)}", highlight=False)
    path = " → ".join(
        escape(f"{job.label} {duration_text(job.actual_seconds)}") for job in report.critical_path
    )
    console.print(
        f"critical path  {duration_text(report.critical_path_seconds)}: {path}",
        highlight=False,
        soft_wrap=True,
    )
    if report.violations:
        console.print(Text(f"order          {len(report.violations)} violations", style="bold red"))
        for violation in report.violations:
            console.print(f"  {printable(str(violation))}", markup=False, highlight=False)
    else:
        console.print("order          legal: every job ran after what it depends on", highlight=False)
    if report.usage is None:
        console.print("usage          not known: the deployment's logs can't be read", highlight=False)
    else:
        print_table(_usage_table(report.usage, len(report.jobs)), console)
        _print_operations(report.usage, console)


JOB_COLUMNS = (
    Column("#", 95, right=True),
    Column("job", fixed=True),
    Column("state", 100),
    Column("prio", 30, right=True),
    Column("start", 60, right=True),
    Column("wait", 70, right=True),
    Column("run", 80, right=True),
    Column("estimate", 20, right=True),
    Column("att", 50, right=True),
    Column("pool", 40),
)
_REASON_COLUMNS = (
    Column("#", 90, right=True),
    Column("not succeeded", fixed=True),
    Column("why", 100, folds=True),
)
_USAGE_COLUMNS = (
    Column("AWS usage", fixed=True),
    Column("invocations", 10, right=True),
    Column("requests", 40, right=True),
    Column("write units", 30, right=True),
    Column("read units", 20, right=True),
)


def _jobs_table(report: WorkflowReport) -> TextTable:
    rows: list[Sequence[Cell]] = []
    for order, job in enumerate(report.jobs, start=1):
        start = None
        if job.started_at_ms is not None and report.began_ms is not None:
            start = (job.started_at_ms - report.began_ms) / 1_000
        rows.append(
            (
                str(order),
                job.label,
                Text(job.state, style=STYLES[job.state]),
                str(job.priority),
                f"+{duration_text(start)}" if start is not None else "-",
                duration_text(wait_seconds(job)),
                duration_text(job.actual_seconds),
                duration_text(job.estimated_seconds),
                str(job.attempt),
                job.pool,
            )
        )
    return TextTable(JOB_COLUMNS, rows)


def _print_reasons(report: WorkflowReport, console: Console) -> None:
    """Prints the reason for each job that did not succeed."""
    labels = labels_of(report.jobs)
    rows = [
        (str(order), job.label, with_labels(job.error or "-", labels))
        for order, job in enumerate(report.jobs, start=1)
        if job.state is not State.SUCCEEDED
    ]
    if rows:
        print_table(TextTable(_REASON_COLUMNS, rows), console)


def _usage_table(usage: Usage, jobs: int) -> TextTable:
    total = total_of(usage)
    rows = [
        (
            part,
            str(totals.reports),
            str(totals.request_count),
            f"{totals.write_units:.1f}",
            f"{totals.read_units:.1f}",
        )
        for part, totals in (*usage.items(), ("all", total))
    ]
    if jobs:
        rows.append(
            (
                "per job",
                "",
                f"{total.request_count / jobs:.2f}",
                f"{total.write_units / jobs:.2f}",
                f"{total.read_units / jobs:.2f}",
            )
        )
    return TextTable(_USAGE_COLUMNS, rows)


def _print_operations(usage: Usage, console: Console) -> None:
    """Prints the number of requests by operation, the largest first. The report's JSON has them by part too."""
    most = sorted(total_of(usage).requests.items(), key=lambda item: -item[1])
    print_fields([("requests", ", ".join(f"{name} {count}" for name, count in most))], console)
