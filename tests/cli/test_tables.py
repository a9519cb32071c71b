"""Tables never cut an id or a key, at any width, and a pipe gets everything."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.harness.cli.samples import BEGIN_MS, WORKFLOW, job, job_json
from tests.harness.cli.screens import always, answer_with, on_screen, tidegate
from tidegate_cli.commands.callers import COLUMNS as AUDIT_COLUMNS
from tidegate_cli.commands.failures import COLUMNS as FAILURE_COLUMNS
from tidegate_cli.commands.jobs import COLUMNS as JOB_COLUMNS
from tidegate_cli.commands.operator import POOL_COLUMNS
from tidegate_cli.commands.statistics import COLUMNS as STATISTICS_COLUMNS
from tidegate_cli.commands.timetable_runs import RUN_COLUMNS
from tidegate_cli.commands.timetables import COLUMNS as TIMETABLE_COLUMNS
from tidegate_cli.commands.workers import COLUMNS as WORKER_COLUMNS
from tidegate_cli.commands.workers import JOB_COLUMNS as JOB_COLUMNS_OF_WORKERS
from tidegate_cli.following.follow import Snapshot
from tidegate_cli.following.live import picture
from tidegate_cli.following.report import JOB_COLUMNS as REPORT_COLUMNS
from tidegate_cli.following.report import build_report, print_report
from tidegate_cli.tables import GAP, Column, TextTable, lines_of
from tidegate_cli.top.picture import AT_RISK_COLUMNS
from tidegate_cli.top.picture import POOL_COLUMNS as POOL_COLUMNS_OF_TOP
from tidegate_cli.top.picture import RUNNING_COLUMNS as JOB_COLUMNS_OF_TOP
from tidegate_cli.views import printable

WIDTHS = (40, 60, 80, 100, 200)
TEXTS = {
    "ascii": "nightly report of all the sources",
    "wide": "夜間の集計ジョブ" * 8,
    "combining": "re\u0301sume\u0301 " * 20,
    "joined": "👩‍👩‍👧‍👦" * 12,
    "longest": "n" * 256,
}
KEY = "k" * 128
JOB_ID = f"{WORKFLOW}.9999"
WORKER = {
    "worker_id": "w" * 24,
    "pool": "ecs",
    "name": "nightly",
    "host": "ip-10-0-1-17.eu-central-1.compute.internal",
    "state": "ACTIVE",
    "live": True,
    "slots": 8,
    "running": 3,
    "succeeded": 36,
    "failed": 2,
    "heartbeat_at": "2026-12-01T08:00:00.000Z",
}


def jobs_page(*jobs: Mapping[str, Any]) -> dict[str, Any]:
    return {"jobs": list(jobs), "cursor": None}


def a_job(**changes: Any) -> dict[str, Any]:
    return job_json(0, "RUNNING", started=1.0, **{"job_id": JOB_ID, "key": "extract", **changes})


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_jobs_are_never_cut(monkeypatch: pytest.MonkeyPatch, width: int, text: str) -> None:
    answer_with(monkeypatch, always(jobs_page(a_job(name=text))))
    lines = on_screen(monkeypatch, width, "jobs", "list", "--state", "RUNNING")
    assert JOB_ID in lines[1].split()
    assert "…" not in "\n".join(lines)
    table = [line for line in lines if not line.startswith("not shown")]
    assert all(cell_len(line) <= width for line in table)
    if "name" in lines[0].split():  # a text may be folded, but all of it stands in its column
        begins = cell_len(lines[0][: lines[0].index("name")])
        assert "".join(_cells_from(line, begins) for line in table[1:]).startswith(
            printable(text).replace(" ", "")[:40]
        )


def _cells_from(line: str, begins: int) -> str:
    """Reads the text of the column that begins at a cell, up to the gap before the next column."""
    at = next((at for at in range(len(line) + 1) if cell_len(line[:at]) >= begins), len(line))
    return re.split(" {2,}", line[at:])[0].replace(" ", "")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_key_is_whole_or_its_column_is_named_as_left_out(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    answer_with(monkeypatch, always(jobs_page(a_job(key=KEY))))
    lines = on_screen(monkeypatch, width, "jobs", "list", "--state", "RUNNING")
    left_out = lines[-1].removeprefix("not shown: ").partition(" (")[0].split(", ")
    assert (KEY in lines[1].split()) is (width == 200)
    assert ("key" in left_out) is (width < 200)
    assert JOB_ID in lines[1].split()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("worker_id", ["w" * 24, "夜" * 20, "w" * 128])
def test_workers_are_never_cut(monkeypatch: pytest.MonkeyPatch, width: int, worker_id: str) -> None:
    answer_with(monkeypatch, always({"workers": [{**WORKER, "worker_id": worker_id}], "cursor": None}))
    lines = on_screen(monkeypatch, width, "workers", "list")
    assert worker_id in lines[1].split()
    assert "…" not in "\n".join(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_pools_types_and_single_things_are_never_cut(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    pool = {"name": "p" * 32, "kind": "process", "tags": {"夜": "間" * 60}, "capabilities": ["cuda" * 30]}
    answer_with(monkeypatch, always({"pools": [pool], "types": [{"type": "t" * 64}], **pool}))
    assert "p" * 32 in on_screen(monkeypatch, width, "pools", "list")[1].split()
    assert "t" * 64 in on_screen(monkeypatch, width, "types", "list")[1].split()
    assert any("cuda" * 30 in line for line in on_screen(monkeypatch, width, "pools", "get", "p"))
    answer_with(monkeypatch, always({**WORKER, "worker_id": "w" * 128}))
    assert any("w" * 128 in line for line in on_screen(monkeypatch, width, "workers", "get", "ecs", "w"))
    answer_with(monkeypatch, always(a_job(key=KEY, name="夜" * 100)))
    lines = on_screen(monkeypatch, width, "jobs", "get", JOB_ID)
    assert [line for line in lines if JOB_ID in line]
    assert [line for line in lines if KEY in line]
    assert [line for line in lines if "夜" * 100 in line]


@pytest.mark.parametrize("force_color", [False, True])
def test_a_pipe_gets_every_column_and_a_line_a_row(
    monkeypatch: pytest.MonkeyPatch, force_color: bool
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    if force_color:
        monkeypatch.setenv("FORCE_COLOR", "1")
    page = jobs_page(a_job(key=KEY, name="x" * 256, worker="w" * 128))
    answer_with(monkeypatch, always(page))
    lines = tidegate("jobs", "list", "--state", "RUNNING").stdout.splitlines()
    assert len(lines) == 2
    plain = re.sub(r"\x1b\[[0-9;]*m", "", lines[0])
    assert plain.split() == [
        "job",
        "id",
        "state",
        *["key", "name", "type", "prio", "pool", "att", "run", "worker"],
    ]
    for text in (JOB_ID, KEY, "x" * 256, "w" * 128):
        assert text in lines[1]


def test_an_empty_columns_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "")
    answer_with(monkeypatch, always({"workers": [{**WORKER, "worker_id": "w" * 128}], "cursor": None}))
    assert len(tidegate("workers", "list").stdout.splitlines()) == 2


@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_and_the_live_picture_cut_no_key(width: int) -> None:
    jobs = [
        job(0, "FAILED", started=1.0, finished=2.0, key=KEY, error={"code": "x", "message": "why " * 40}),
        job(1, "RUNNING", started=1.0, key="k" * 30, worker="w" * 40),
    ]
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(
        picture(Snapshot("t", tuple(jobs), BEGIN_MS, BEGIN_MS, 1))
    )
    text = out.getvalue()
    assert "…" not in text
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert KEY in text.replace("\n", "")
    out = io.StringIO()
    print_report(build_report(WORKFLOW, "flow", jobs), Console(file=out, width=1_000_000, color_system=None))
    assert "…" not in out.getvalue()
    assert out.getvalue().count(KEY) >= 2


def test_columns_are_kept_by_worth_and_each_that_still_fits() -> None:
    columns = (Column("id", fixed=True), Column("a", 1), Column("b", 3), Column("c", 2))
    table = TextTable(columns, [("x" * 10, "a", "b" * 30, "c" * 4)])
    for width, shown in (
        (60, ["id", "a", "b", "c"]),
        (48, ["id", "b", "c"]),
        (20, ["id", "a", "c"]),
        (5, ["id"]),
    ):
        assert lines_of(table, width)[0].plain.split() == shown, width
    assert "not shown: a, b, c" in lines_of(table, 5)[-1].plain


def test_wide_and_combining_characters_keep_columns_in_line() -> None:
    columns = (Column("id", fixed=True), Column("state", 1))
    rows = [("夜間", "A"), ("e\u0301e\u0301", "A"), ("👩夜", "A"), ("plain", "A")]
    lines = lines_of(TextTable(columns, rows), 40)
    assert {cell_len(line.plain) - 1 for line in lines[1:]} == {5 + GAP}


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("`jobs list`, `workflows get`", JOB_COLUMNS),
        ("`workers jobs`", JOB_COLUMNS_OF_WORKERS),
        ("`workers list`", WORKER_COLUMNS),
        ("`pools list`", POOL_COLUMNS),
        ("the report of `run`", REPORT_COLUMNS),
        ("`audit`", AUDIT_COLUMNS),
        ("`timetables list`", TIMETABLE_COLUMNS),
        ("`timetables runs`", RUN_COLUMNS),
        ("`failures list`", FAILURE_COLUMNS),
        ("`top`, pools", POOL_COLUMNS_OF_TOP),
        ("`top`, jobs", JOB_COLUMNS_OF_TOP),
        ("`top`, work at risk", AT_RISK_COLUMNS),
        ("`stats`", STATISTICS_COLUMNS),
    ],
)
def test_the_page_of_the_command_line_states_the_order_of_worth(
    table: str, columns: tuple[Column, ...]
) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {table} |")]
    by_worth = sorted(columns, key=lambda column: (not column.fixed, -column.worth))
    assert row == f"| {table} | {', '.join(column.head for column in by_worth)} |"
