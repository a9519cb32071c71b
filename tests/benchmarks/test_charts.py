"""The page of benchmarks matches their results, and shows every result that exists."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dev.benchmarks import report as reports
from dev.benchmarks.charts import (
    BEGIN,
    END,
    charts_of,
    differing,
    made_files,
    page_with,
    read_report,
    section,
)
from dev.benchmarks.report import BenchmarkReport, Goal, Line, LineChart, Range, RangeChart, Table
from dev.benchmarks.svg import line_chart, nice_ticks, range_chart

REPORT = BenchmarkReport(
    name="made-up",
    title="Made up",
    command="make -C dev/benchmarks made-up",
    about="Nothing was measured.",
    goals=[Goal("rows", 2.0, 1.0)],
    tables=[Table("Rows", ("name", "value", "fits"), [("a & b", 1, True), ("c", 12_345.6, False)])],
    line_charts=[LineChart("A & B", "jobs", "per job", [Line("<one>", [(1_000, 2.0), (10_000, 4.0)])])],
    range_charts=[RangeChart("Ranges", "x", "all", [Range("r", 1.0, 2.0, {"here": 1.5})])],
)


def test_the_page_and_its_charts_are_what_the_results_give() -> None:
    assert differing(made_files()) == [], "run `make -C dev/benchmarks charts`"


def test_a_report_reads_back_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reports, "RESULTS", tmp_path)
    assert reports.finish(REPORT) == 1  # its goal does not hold
    written = json.loads((tmp_path / "made-up.json").read_text(encoding="utf-8"))
    assert section(read_report("made-up", written)) == section(REPORT)


def test_a_section_shows_goals_tables_and_charts() -> None:
    shown = section(REPORT)
    assert "- rows: 2.000, at most 1.000: **does not hold**" in shown
    assert "| name | value | fits |\n| --- | --: | --- |\n| a & b | 1 | yes |\n| c | 12,346 | no |" in shown
    assert "![A & B](benchmarks/made-up.svg)" in shown
    assert "![Ranges](benchmarks/made-up-1.svg)" in shown


def test_any_other_result_is_shown_as_the_tables_it_holds() -> None:
    value = {
        "figures": {"units_per_job": 9.0},
        "runs": [{"kind": "one", "jobs": 5, "by_step": {"x": 1}}, {"kind": "two", "jobs": 6, "by_step": {}}],
    }
    made = read_report("dispatch_plan", value)
    assert (made.title, made.command) == ("Dispatch plan", "make -C dev/benchmarks dispatch-plan")
    assert [table.columns for table in made.tables] == [("figure", "value"), ["kind", "jobs"]]
    assert "| units per job | 9 |" in section(made)


def test_only_what_lies_between_the_markers_is_made() -> None:
    page = page_with(f"before\n{BEGIN}\nstale text\n{END}\nafter\n", [REPORT])
    assert page.startswith(f"before\n{BEGIN}\n\n## Made up\n")
    assert page.endswith(f"\n{END}\nafter\n")
    assert "stale text" not in page
    with pytest.raises(ValueError, match="markers"):
        page_with("no markers", [REPORT])


def test_a_stale_page_and_a_chart_of_no_result_are_found(tmp_path: Path) -> None:
    results, charts = tmp_path / "results", tmp_path / "docs" / "benchmarks"
    results.mkdir()
    charts.mkdir(parents=True)
    page = charts.parent / "benchmarks.md"
    page.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    (results / "latency.json").write_text('{"jobs": 30}', encoding="utf-8")
    (charts / "gone.svg").write_text("<svg/>", encoding="utf-8")
    made = made_files(charts.parent, results)
    assert differing(made, charts.parent) == [page, charts / "gone.svg"]


@pytest.mark.parametrize("svg", [line_chart(REPORT.line_charts[0]), range_chart(REPORT.range_charts[0])])
def test_a_chart_is_well_formed_and_within_its_frame(svg: str) -> None:
    root = ElementTree.fromstring(svg)  # noqa: S314 - the line above made it
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for element in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert 0 <= float(element.attrib.get(name, 0)) <= width
        for name in ("y", "y1", "y2", "cy"):
            assert 0 <= float(element.attrib.get(name, 0)) <= height


def test_every_chart_has_a_file_of_its_own() -> None:
    assert list(charts_of(REPORT)) == ["made-up.svg", "made-up-1.svg"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 8.0, [0, 2, 4, 6, 8]),
        (0.994, 1.448, [0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5]),
        (0.0, 0.0, [0.0, 0.2]),
    ],
)
def test_ticks_are_round_and_hold_all_values(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == ticks
