"""The commands of `tidegate timetables`, against the real API over a deployment in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.cli.screens import answer_with, on_screen, tidegate
from tests.harness.examples.world import EXAMPLES, Deployment
from tidegate_cli.documents.structures import load
from tidegate_cli.documents.timetables import read_timetable
from tidegate_cli.errors import MalformedFile

UNKNOWN = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"
JOB = json.dumps({"type": "tidegate.noop"})
CREATE = ("timetables", "create", "-")
DAILY = ("--cron", "0 6 * * *")
WIDTHS = (40, 80, 200)


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[httpx.Request]]:
    """Makes commands talk to the API's function. Returns the list of their requests."""
    deployment = Deployment()

    def answer(request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode().removeprefix("/live")
        found = deployment.answer(request.method, target, request.headers, request.content.decode())
        return httpx.Response(found.status, headers=found.headers, content=json.dumps(found.body).encode())

    return iter([answer_with(monkeypatch, answer)])


def shown(*arguments: str, stdin: str | None = None) -> dict[str, Any]:
    """Returns the document that a command prints with `--output json`. The command must succeed."""
    result = tidegate("timetables", *arguments, "--output", "json", stdin=stdin)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def created(*options: str, stdin: str = JOB) -> str:
    return str(shown("create", "-", *(options or DAILY), stdin=stdin)["timetable_id"])


def test_a_timetable_is_made_of_a_file() -> None:
    result = tidegate("timetables", "create", str(EXAMPLES / "timetable.yaml"))
    assert result.exit_code == 0, result.output
    found = shown("show", result.stdout.strip())
    assert (found["name"], found["cron"], found["zone"]) == ("nightly report", "30 2 * * *", "Europe/Berlin")
    assert [job["key"] for job in found["workflow"]["jobs"]] == ["extract", "report"]
    assert "it is ACTIVE, and runs next at 2027-01-16T01:30:00Z" in result.stderr


def test_options_stand_beside_a_job_alone_and_replace_values() -> None:
    found = shown(
        "create", "-", *DAILY, "--zone", "Asia/Tokyo", "--name", "n", "--start", "2027-02-01T00:00:00Z",
        "--end", "2027-03-01T00:00:00Z", "--jitter-seconds", "60", "--missed", "ALL", "--grace-seconds", "90",
        "--overlap", "cancel", "--paused", stdin=JOB,
    )  # fmt: skip
    wanted = {
        "state": "PAUSED", "cron": "0 6 * * *", "zone": "Asia/Tokyo", "name": "n", "jitter_seconds": 60,
        "missed": "all", "grace_seconds": 90, "overlap": "cancel", "job": {"type": "tidegate.noop"},
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert (found["start"], found["end"]) == ("2027-02-01T00:00:00.000Z", "2027-03-01T00:00:00.000Z")
    body = json.dumps({"cron": "0 6 * * *", "zone": "Asia/Tokyo", "job": {"type": "tidegate.noop"}})
    often = shown("create", "-", "--every-seconds", "90", "--anchor", "2027-01-01T00:00:00Z", stdin=body)
    assert (often["cron"], often["every_seconds"], often["anchor"]) == (None, 90, "2027-01-01T00:00:00.000Z")


def test_one_key_makes_one_timetable() -> None:
    first = created(*DAILY, "--idempotency-key", "k")
    assert created(*DAILY, "--idempotency-key", "k") == first
    assert len(shown("list")["timetables"]) == 1


def test_a_timetable_is_changed_paused_resumed_and_deleted() -> None:
    made = created()
    changed = tidegate("timetables", "change", made, "--cron", "30 5 * * *", "--name", "early")
    assert changed.stdout == f"{made}: it is ACTIVE, and runs next at 2027-01-16T05:30:00Z\n"
    assert shown("change", made, "--name", "none")["name"] is None
    workflow = json.dumps({"jobs": [{"key": "a", "type": "tidegate.noop"}]})
    assert shown("change", made, "--file", "-", stdin=workflow)["kind"] == "workflow"
    assert shown("change", made, "--every-seconds", "120")["cron"] is None
    assert tidegate("timetables", "pause", made).stdout == f"{made}: it is PAUSED\n"
    assert shown("resume", made)["state"] == "ACTIVE"
    assert tidegate("timetables", "remove", made).stdout == f"{made} is removed\n"
    gone = tidegate("timetables", "show", made)
    assert (gone.exit_code, "404" in gone.stderr) == (1, True)


def test_a_change_of_nothing_is_told(api: list[httpx.Request]) -> None:
    result = tidegate("timetables", "change", UNKNOWN)
    assert (result.exit_code, "nothing to change" in result.stderr) == (2, True)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_shows_ids_whole(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    made = created(*DAILY, "--name", "夜間の集計" * 20)
    shown("run", made)
    lines = on_screen(monkeypatch, width, "timetables", "list")
    assert made in lines[1].split()
    if width == 200:
        assert "2027-01-16T06:00:00Z" in lines[1]
        assert "SUCCEEDED" in lines[1]


def test_no_timetables_and_no_runs() -> None:
    assert tidegate("timetables", "list").stdout == "no timetables\n"
    assert tidegate("timetables", "runs", created()).stdout == "no runs\n"


def test_fields_are_shown_without_nulls() -> None:
    lines = tidegate("timetables", "show", created()).stdout.splitlines()
    fields = dict(line.split(maxsplit=1) for line in lines)
    assert (fields["cron"], fields["missed"]) == ("0 6 * * *", "skip")
    assert fields["job"] == '{"type": "tidegate.noop"}'
    assert "workflow" not in fields


def test_the_next_times_are_told_on_the_clock_of_the_zone() -> None:
    """The night in which Berlin's clock leaps from 2 to 3."""
    made = created("--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--start", "2027-03-27T12:00:00Z")
    lines = tidegate("timetables", "next", made, "--count", "2").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["2027-03-28T01:00:00Z", "2027-03-28T03:00:00+02:00"],
        ["2027-03-29T00:30:00Z", "2027-03-29T02:30:00+02:00"],
    ]
    assert len(shown("next", made)["times"]) == 10


def test_no_time_that_is_to_come_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = {"timetable_id": UNKNOWN, "zone": "UTC", "times": []}
    answer_with(monkeypatch, lambda _: httpx.Response(200, json=ended))
    assert tidegate("timetables", "next", UNKNOWN).stdout == "no time is to come\n"


def test_a_run_now_prints_what_it_submitted_and_stands_in_the_history() -> None:
    made = created()
    job_id = tidegate("timetables", "run", made).stdout.strip()
    (run,) = shown("runs", made)["runs"]
    assert (run["job_id"], run["cause"], run["outcome"]) == (job_id, "manual", "submitted")
    twice = [shown("run", made, "--idempotency-key", "k")["job_id"] for _ in range(2)]
    assert twice[0] == twice[1] != job_id
    result = tidegate("timetables", "runs", made, "--limit", "1")
    assert len(result.stdout.splitlines()) == 2
    assert "1 runs are listed" in result.stderr


BACKFILL = ("--from", "2027-01-08T00:00:00Z", "--to", "2027-01-15T00:00:00Z")


def test_a_backfill_says_its_count_and_asks() -> None:
    made = created()
    result = tidegate("timetables", "backfill", made, *BACKFILL, stdin="n\n")
    assert result.exit_code == 1
    assert "submit 7 scheduled times from 2027-01-08T06:00:00Z to 2027-01-14T06:00:00Z?" in result.stderr
    assert shown("runs", made)["runs"] == []
    result = tidegate("timetables", "backfill", made, *BACKFILL, stdin="y\n")
    assert result.stdout.splitlines()[-1] == "7 submitted, 0 had been before, 0 refused"
    assert {run["cause"] for run in shown("runs", made)["runs"]} == {"backfill"}
    again = shown("backfill", made, *BACKFILL, "--yes")
    assert (again["submitted"], again["already"], again["refused"], again["runs"]) == (0, 7, 0, [])


def test_a_dry_run_of_a_backfill_submits_nothing(api: list[httpx.Request]) -> None:
    made = created()
    said = tidegate("timetables", "backfill", made, *BACKFILL, "--dry-run").stdout
    assert said == "7 scheduled times from 2027-01-08T06:00:00Z to 2027-01-14T06:00:00Z\n"
    assert shown("backfill", made, *BACKFILL, "--dry-run")["count"] == 7
    assert shown("runs", made)["runs"] == []


def test_a_backfill_takes_as_many_calls_as_it_needs() -> None:
    made = created("--every-seconds", "3600", "--anchor", "2027-01-01T00:00:00Z")
    result = tidegate(
        "timetables",
        "backfill",
        made,
        "--from",
        "2027-01-01T00:00:00Z",
        "--to",
        "2027-01-06T00:00:00Z",
        "--yes",
    )
    assert result.stdout == "120 submitted, 0 had been before, 0 refused\n"
    assert "100 times submitted, going on from 2027-01-05T04:00:00Z" in result.stderr


def test_a_backfill_that_gets_no_further_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = {"timetable_id": UNKNOWN, "runs": [], "already": 0, "next_from": BACKFILL[1]}
    seen = answer_with(monkeypatch, lambda _: httpx.Response(200, json=stuck))
    result = tidegate("timetables", "backfill", UNKNOWN, *BACKFILL, "--yes")
    assert (result.exit_code, len(seen)) == (1, 1)
    assert f"the backfill of {UNKNOWN} did not come past 2027-01-08T00:00:00Z" in result.stderr


def test_refused_runs_of_a_backfill_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = {
        "scheduled_at": "2027-01-08T06:00:00.000Z", "cause": "backfill", "outcome": "refused", "count": 1,
        "code": "share-full", "message": "the share is full\x1b[31m",
    }  # fmt: skip
    done = {"timetable_id": UNKNOWN, "runs": [run], "already": 0, "next_from": None}
    answer_with(monkeypatch, lambda _: httpx.Response(200, json=done))
    lines = tidegate("timetables", "backfill", UNKNOWN, *BACKFILL, "--yes").stdout.splitlines()
    assert lines[0] == "0 submitted, 0 had been before, 1 refused"
    assert "the share is full\\x1b[31m" in lines[2]


@pytest.mark.parametrize(
    "arguments",
    [("show", "nightly"), ("run", "a/b"), ("remove", "01jd3v8q5s2y6w9k4m7n0p1r2t"), ("runs", "%2e")],
)
def test_a_malformed_id_is_told_before_a_call(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    seen = answer_with(monkeypatch, lambda _: httpx.Response(200, json={}))
    result = tidegate("timetables", *arguments)
    assert (result.exit_code, seen) == (2, [])
    assert "timetable id" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cron", "0 6 * *"), "cron: has 4 fields"),
        ((*DAILY, "--zone", "Europe/Berln"), "did you mean 'Europe/Berlin'?"),
        ((*DAILY, "--missed", "allways"), "is not one of skip, once, all"),
        (("--every-seconds", "59"), "Invalid value for '--every-seconds'"),
        ((), "cron: is required"),
    ],
)
def test_a_wrong_value_is_told_with_its_name(options: tuple[str, ...], said: str) -> None:
    result = tidegate(*CREATE, *options, stdin=JOB)
    assert result.exit_code in (1, 2)
    assert said in " ".join(result.stderr.split())
    assert shown("list")["timetables"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "does not hold an object"),
        ('{"cron": "0 6 * * *"}', "is neither a timetable"),
        ('{"name": "t", "schemaVersion": "1.5", "workflow": {"specification": {"tasks": []}}}', "WfFormat"),
        ("cron: */5 * * * *", "not"),
    ],
)
def test_a_file_that_holds_no_timetable_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "timetable.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MalformedFile, match=said):
        read_timetable(str(file), needs_template=True)


@pytest.mark.parametrize("template", ["job", "workflow"])
def test_submit_names_the_command_that_takes_a_timetable(template: str) -> None:
    body = (
        {"type": "tidegate.noop"} if template == "job" else {"jobs": [{"key": "a", "type": "tidegate.noop"}]}
    )
    result = tidegate("submit", "-", stdin=json.dumps({"cron": "0 6 * * *", template: body}))
    assert result.exit_code == 2
    assert "`tidegate timetables create" in result.stderr


def blocks(language: str) -> list[str]:
    """Returns the blocks of a language in the guide; those of no language hold what a command prints."""
    text = (EXAMPLES.parent / "docs/guides/timetables.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def test_the_guide_shows_the_example() -> None:
    (shown_there,) = blocks("yaml")
    assert load(shown_there, "guide") == read_timetable(str(EXAMPLES / "timetable.yaml"), needs_template=True)


def test_the_guide_shows_both_leaps_of_the_clock_as_they_are_told() -> None:
    printed = []
    for start in ("2027-03-26T12:00:00Z", "2027-10-29T12:00:00Z"):
        made = created("--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--start", start)
        printed.append(tidegate("timetables", "next", made, "--count", "3").stdout)
    assert printed == blocks("")
