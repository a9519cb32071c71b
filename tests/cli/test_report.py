"""The report, as JSON and as text: order, waits, critical path, usage."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from tests.harness.cli.samples import WORKFLOW, job
from tidegate_cli.following.report import (
    WorkflowReport,
    build_report,
    print_report,
    report_json,
    wait_seconds,
)
from tidegate_cli.following.usage import UsageTotals, read_usage, total_of
from tidegate_cli.views import labels_of, with_labels


def report() -> WorkflowReport:
    jobs = [
        job(0, started=1.0, finished=2.0, estimated_duration_seconds=1.5),
        job(1, started=2.5, finished=7.5, ready=2.0, upstreams=[(0, "MUST_SUCCEED")]),
        job(2, started=0.5, finished=3.5, priority=900),
        job(
            3,
            "FAILED",
            started=8.0,
            finished=9.0,
            ready=7.6,
            upstreams=[(1, "MUST_SUCCEED")],
            attempt=3,
            error={"code": "job-error", "message": "boom [x]"},
        ),
        job(
            4,
            "SKIPPED",
            finished=9.1,
            upstreams=[(3, "MUST_SUCCEED")],
            error={
                "code": "skipped",
                "message": f"{WORKFLOW}.3 ended as FAILED",
                "upstream_id": f"{WORKFLOW}.3",
            },
        ),
    ]
    usage = {
        "api": UsageTotals({"dynamodb.PutItem": 2}, 4.0, 1.0, 1),
        "dispatcher": UsageTotals({"dynamodb.UpdateItem": 3, "dynamodb.PutItem": 1}, 6.0, 2.5, 2),
    }
    return build_report(WORKFLOW, "flow", jobs, usage)


def test_jobs_stand_in_the_order_they_started_and_the_unstarted_last() -> None:
    made = report_json(report())
    assert [(item["order"], item["key"]) for item in made["jobs"]] == [
        (1, "k2"), (2, "k0"), (3, "k1"), (4, "k3"), (5, "k4"),
    ]  # fmt: skip


def test_the_json_holds_waits_runs_states_and_the_whole_time() -> None:
    made = json.loads(json.dumps(report_json(report())))
    by_key = {item["key"]: item for item in made["jobs"]}
    assert by_key["k1"]["wait_seconds"] == 0.5
    assert by_key["k1"]["run_seconds"] == 5.0
    assert by_key["k0"]["estimated_duration_seconds"] == 1.5
    assert by_key["k4"]["wait_seconds"] is None
    assert made["states"] == {"SUCCEEDED": 3, "FAILED": 1, "SKIPPED": 1}
    assert made["makespan_seconds"] == 9.1
    assert made["order_violations"] == []


def test_the_critical_path_follows_actual_run_times() -> None:
    path = report_json(report())["critical_path"]
    assert path["jobs"] == ["k0", "k1", "k3"]
    assert path["seconds"] == 7.0


def test_usage_is_added_up_over_all_parts() -> None:
    usage = report_json(report())["usage"]
    assert usage["requests"] == {"dynamodb.PutItem": 3, "dynamodb.UpdateItem": 3}
    assert (usage["request_count"], usage["write_units"], usage["read_units"]) == (6, 10.0, 3.5)
    assert usage["by_part"]["api"]["write_units"] == 4.0


def test_the_text_names_every_job_and_what_went_wrong() -> None:
    out = io.StringIO()
    print_report(report(), Console(file=out, width=200))
    text = out.getvalue()
    for expected in ("k0", "k4", "boom [x]", "k0 1.00 s → k1 5.00 s → k3 1.00 s", "per job", "legal"):
        assert expected in text


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_narrow_terminal_costs_no_figure_and_no_reason(width: int) -> None:
    out = io.StringIO()
    print_report(report(), Console(file=out, width=width))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    figures = [
        "2",
        "k0",
        "SUCCEEDED",
        "100",
        "+1.00",
        "s",
        "1.00",
        "s",
        "1.00",
        "s",
        "1.50",
        "s",
        "1",
        "lambda",
    ]
    assert figures in [line.split() for line in lines]
    assert "5  k4             skipped: k3 ended as FAILED" in "\n".join(lines)


def test_an_illegal_order_is_shown() -> None:
    jobs = [
        job(0, started=1.0, finished=2.0),
        job(1, started=1.0, finished=3.0, upstreams=[(0, "MUST_SUCCEED")]),
    ]
    out = io.StringIO()
    print_report(build_report(WORKFLOW, None, jobs), Console(file=out, width=200))
    assert "1 violations" in out.getvalue()
    assert "k1 MUST_SUCCEED k0" in out.getvalue()
    assert "not known" in out.getvalue()


def test_a_job_never_ready_or_started_has_no_wait() -> None:
    assert wait_seconds(job(0, "SKIPPED")) is None


def line(**usage: object) -> str:
    return json.dumps({"level": "INFO", "message": "usage", "usage": usage})


def test_usage_reports_are_found_among_other_lines() -> None:
    lines = [
        "START RequestId: 1",
        line(requests={"dynamodb.GetItem": 2}, write_units=1.5, read_units=0.5),
        "2026-11-24 worker INFO "
        + line(requests={"dynamodb.GetItem": 1, "sqs.SendMessage": 1}, write_units=1),
        '{"message": "usage"}',
        '{"message": "other", "usage": {"write_units": 9}}',
        "{ broken",
    ]
    found = read_usage(lines)
    assert found == UsageTotals({"dynamodb.GetItem": 3, "sqs.SendMessage": 1}, 2.5, 0.5, 2)
    assert found.request_count == 4


def test_no_usage_adds_up_to_nothing() -> None:
    assert total_of({}) == UsageTotals()
    assert total_of({"a": UsageTotals({"x.Y": 1}, 1.0, 0.0, 1)}).write_units == pytest.approx(1.0)


def test_a_job_that_only_waits_for_a_start_is_not_behind_its_end_on_the_critical_path() -> None:
    long = job(0, started=1.0, finished=9.0)
    beside = job(1, started=1.5, finished=3.5, upstreams=[(0, "MUST_START")])
    after = job(2, started=9.0, finished=10.0, upstreams=[(0, "MUST_COMPLETE")])
    path = build_report(WORKFLOW, None, [long, beside, after]).critical_path
    assert [one.job_id for one in path] == [long.job_id, after.job_id]


def test_an_upstream_is_called_by_its_key_and_never_by_part_of_another_id() -> None:
    jobs = [
        job(1, "FAILED", key="extract"),
        job(10, "FAILED", key="load"),
        job(2, "SKIPPED", error={"code": "x", "message": f"{WORKFLOW}.10 ended as FAILED"}),
        job(3, "FAILED", key=None, name="twin"),
        job(4, "FAILED", key=None, name="twin", error={"code": "x", "message": f"{WORKFLOW}.3 is gone"}),
    ]
    out = io.StringIO()
    print_report(build_report(WORKFLOW, "flow", jobs), Console(file=out, width=200))
    assert "x: load ended as FAILED" in out.getvalue()
    assert f"x: twin ({WORKFLOW}.3) is gone" in out.getvalue()


def test_a_job_that_shares_its_name_is_named_once_with_its_id() -> None:
    jobs = [job(0, key=None, name="load"), job(1, key=None, name="load"), job(2, key="sum")]
    labels = labels_of(jobs)
    said = f"sum ({WORKFLOW}.2), load ({WORKFLOW}.1), {WORKFLOW}.0 and {WORKFLOW}.20"
    assert with_labels(said, labels) == (f"sum, load ({WORKFLOW}.1), load ({WORKFLOW}.0) and {WORKFLOW}.20")
