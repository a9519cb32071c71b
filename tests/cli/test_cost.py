"""The command that says what jobs cost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.test_commands import tidegate
from tests.cli.test_recovery_commands import Requests, api
from tests.harness.cli.samples import BEGIN_MS, WORKFLOW
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.views import format_time

__all__ = ["api"]
NOTHING = {
    "write_units": 0, "read_units": 0, "sqs_requests": 0, "api_calls": 0, "invocations": 0, "function_seconds": 0,
    "task_seconds": 0, "dollars": 0,
}  # fmt: skip
USEFUL = {**NOTHING, "write_units": 9, "function_seconds": 2.0}
WASTED = {**NOTHING, "write_units": 10}
JOB = {
    "job_id": f"{WORKFLOW}.1", "key": "load", "type": "report.build", "state": "SUCCEEDED", "share": "",
    "tags": {"team": "data"}, "useful": USEFUL, "wasted": WASTED, "wasted_attempts": {}, "prices": "2026-11, us-east-1",
}  # fmt: skip
GROUP = {"name": "report.build", "jobs": 2, "useful": USEFUL, "wasted": WASTED}
PAGE = {
    "jobs": 2, "own": {**NOTHING, "write_units": 8}, "useful": USEFUL, "wasted": WASTED, "by_type": [GROUP],
    "by_tag": [], "cursor": "next",
}  # fmt: skip
JOB_PATH = ("GET", f"/live/v1/jobs/{WORKFLOW}.1/cost")
FLOW_PATH = ("GET", f"/live/v1/workflows/{WORKFLOW}/cost")


def test_a_job_has_one_row_with_its_waste_apart(api: Requests) -> None:
    api({JOB_PATH: httpx.Response(200, json=JOB)})
    shown = tidegate("cost", f"{WORKFLOW}.1").stdout.splitlines()
    # 19 write units at $0.625 a million, and 2 s of 1 GB at $13.3334 a million
    assert shown[1].split() == [f"{WORKFLOW}.1", "1", "19.0", "2.0", "0.00003854", "0.00000625"]
    assert shown[2].split()[0] == "total"
    by_workflow = tidegate("cost", f"{WORKFLOW}.1", "--by", "workflow").stdout.splitlines()
    assert by_workflow[1].split()[:2] == [WORKFLOW, "1"]
    rows = tidegate("cost", f"{WORKFLOW}.1", "--by", "tag", "--csv").stdout.splitlines()
    assert rows[1].startswith("team=data,1,19,0,0,0,0,2,0,0.0000385")


def test_large_amounts_are_exact_in_comma_separated_values(api: Requests) -> None:
    useful = {**USEFUL, "write_units": 1_234_567, "read_units": 0.5, "function_seconds": 12_345_678.125}
    useful = {**useful, "sqs_requests": 10_000_000}
    api({JOB_PATH: httpx.Response(200, json={**JOB, "useful": useful, "wasted": NOTHING})})
    rows = tidegate("cost", f"{WORKFLOW}.1", "--csv").stdout.splitlines()
    assert rows[1].split(",")[2:8] == ["1234567", "0.5", "10000000", "0", "0", "12345678.125"]


def test_a_duration_names_the_time_from_which_on_jobs_are_listed(
    api: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: BEGIN_MS / 1_000)
    seen = api({("GET", "/live/v1/jobs"): httpx.Response(200, json={"jobs": [], "cursor": None})})
    assert tidegate("cost", "--since", "24h").exit_code == 0
    assert seen[0].url.params["from"] == format_time(BEGIN_MS - 86_400_000)
    assert tidegate("cost", "--since", "lately").exit_code == ExitCode.USAGE


def test_the_pages_of_a_workflow_add_up_with_its_own_units(api: Requests) -> None:
    last = {**PAGE, "own": NOTHING, "cursor": None}
    api({FLOW_PATH: [httpx.Response(200, json=PAGE), httpx.Response(200, json=last)]})
    found = json.loads(tidegate("cost", "--workflow", WORKFLOW, "--output", "json").stdout)
    assert [(row["name"], row["jobs"]) for row in found["rows"]] == [("report.build", 4)]
    assert found["total"]["useful"]["write_units"] == 8 + 2 * 9
    assert found["total"]["wasted"]["dollars"] == pytest.approx(20 * 0.625e-6)


def test_a_file_of_prices_replaces_list_prices(api: Requests, tmp_path: Path) -> None:
    api({JOB_PATH: httpx.Response(200, json=JOB)})
    file = tmp_path / "prices.json"
    file.write_text('{"as_of": "2027-01", "region": "eu-central-1", "write_units": 1, "function_gb": 0}')
    found = json.loads(tidegate("cost", f"{WORKFLOW}.1", "--prices", str(file), "--output", "json").stdout)
    assert found["prices"] == "2027-01, eu-central-1"
    assert found["total"]["useful"]["dollars"] == pytest.approx(9e-6)
    for text in ('{"write_unit": 1}', '{"write_units": "1"}', '{"task_slots": 0}', "[]", "{"):
        file.write_text(text)
        refused = tidegate("cost", f"{WORKFLOW}.1", "--prices", str(file))
        assert refused.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (f"{WORKFLOW}.1", "--workflow", WORKFLOW),
        ("--workflow", WORKFLOW, "--by", "job"),
        (f"{WORKFLOW}.1", "--csv", "--output", "json"),
    ],
)
def test_what_makes_no_sense_together_is_refused(arguments: tuple[str, ...]) -> None:
    assert tidegate("cost", *arguments).exit_code == ExitCode.USAGE
