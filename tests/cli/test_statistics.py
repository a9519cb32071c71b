"""`tidegate stats`: the figures of ended jobs, for people and for programs."""

from __future__ import annotations

import csv
import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tests.harness.cli.screens import on_screen
from tidegate_cli import options
from tidegate_cli.commands.root import app

QUANTILES = {"count": 3, "p50": 1.5, "p90": 2.0, "p99": 65.0, "max": 70.0}
NONE = {"count": 0, "p50": None, "p90": None, "p99": None, "max": None}
ROW = {
    "pool": None,
    "type": "text.count",
    "share": None,
    "worker": None,
    "since": "2026-12-01T00:00:00.000Z",
    "until": "2026-12-01T08:00:00.000Z",
    "ended": 3,
    "succeeded": 2,
    "failed": 1,
    "timed_out": 0,
    "cancelled": 0,
    "skipped": 0,
    "success_rate": 0.6667,
    "ended_per_hour": 0.375,
    "measured": 3,
    "started": 3,
    "tries": 1,
    "handed_back": 0,
    "lost": 1,
    "busy_seconds": 70.0,
    "slot_seconds": 140.0,
    "utilisation": 0.5,
    "oldest_ready_seconds": 7_384.0,
    "wasted_seconds": 0.5,
    "wait_seconds": QUANTILES,
    "run_seconds": QUANTILES,
    "overrun": NONE,
    "steps": None,
}
FOUND = {
    "by": "type",
    "counted_since": "2026-11-01T00:00:00.000Z",
    "counted_until": "2026-12-01T08:00:00.000Z",
    "relative_error": 0.05,
    "rows": [ROW],
    "total": {**ROW, "type": None},
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Makes commands talk to an API that answers FOUND. Returns the list of its requests."""
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return answering(monkeypatch, FOUND)


def answering(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> list[httpx.Request]:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=answer)

    monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
    return seen


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_row_is_shown_with_the_total_and_how_far_is_counted(asked: list[httpx.Request]) -> None:
    result = tidegate("stats", "--by", "type", "--pool", "ecs", "--from", "2026-12-01T00:00:00Z")
    assert result.exit_code == 0, result.output
    assert dict(asked[0].url.params) == {"by": "type", "pool": "ecs", "from": "2026-12-01T00:00:00Z"}
    head, row, total, said = result.stdout.splitlines()
    assert head.split()[:3] == ["of", "ended", "ok"]
    assert row.split()[:4] == ["text.count", "3", "66.7%", "0.4"]
    assert "1m05s" in row
    assert "50.0%" in row
    assert (head.rstrip().endswith("oldest ready"), row.split()[-1]) == (True, "2h03m")
    assert total.split()[0] == "all"
    assert said == "counted until 2026-12-01T08:00:00.000Z"


def test_programs_read_every_figure(asked: list[httpx.Request]) -> None:
    assert json.loads(tidegate("stats", "-o", "json").stdout) == FOUND
    (row,) = csv.DictReader(tidegate("stats", "--csv").stdout.splitlines())
    assert (row["type"], row["ended"], row["run_seconds_p99"], row["overrun_p50"]) == (
        "text.count",
        "3",
        "65.0",
        "",
    )
    assert len(asked) == 2


def test_csv_has_the_same_columns_without_rows(
    asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rows = tidegate("stats", "--csv").stdout.splitlines()
    flat = [name for name, value in ROW.items() if not isinstance(value, dict) and name != "steps"]
    assert with_rows[0].split(",")[: len(flat)] == flat
    answering(monkeypatch, {**FOUND, "rows": []})
    assert tidegate("stats", "--csv").stdout.splitlines() == with_rows[:1]
    assert tidegate("stats", "--csv", "-o", "json").exit_code == 2
    assert len(asked) == 1


HOURS = [
    {**ROW, "type": None, "since": f"2026-12-01T0{hour}:{minutes}:00.000Z", "ended": ended, "failed": failed}
    for hour, minutes, ended, failed in ((1, "20", 40, 0), (4, "00", 20, 5))
]


def test_hours_are_bars_and_hours_without_an_end_have_their_place(
    asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    del asked
    answering(monkeypatch, {**FOUND, "rows": HOURS})
    assert tidegate("stats", "--by", "hour", "--plot", "ended").stdout.splitlines() == [
        f"2026-12-01T01:20:00.000Z  {'█' * 40}  40",
        "2026-12-01T02:00:00.000Z  0",
        "2026-12-01T03:00:00.000Z  0",
        f"2026-12-01T04:00:00.000Z  {'█' * 15}{'▒' * 5}  20, 5 failed",
        "██ all others  ▒▒ failed or timed out",
        "counted until 2026-12-01T08:00:00.000Z",
    ]


@pytest.mark.parametrize(
    ("figure", "drawn", "said"),
    [
        ("wait", "█" + "▒" * 39, "1.50 s, 99 % 1m05s"),
        ("run", "█" + "▒" * 39, "1.50 s, 99 % 1m05s"),
        ("busy", "█" * 39 + "▒", "1m10s, 0.50 s wasted"),
    ],
)
def test_a_bar_shows_two_parts_of_a_figure(
    asked: list[httpx.Request], figure: str, drawn: str, said: str
) -> None:
    del asked
    first, *_ = tidegate("stats", "--by", "type", "--plot", figure).stdout.splitlines()
    assert first == f"text.count  {drawn}  {said}"


def test_a_bar_without_figures_is_a_dash(asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch) -> None:
    del asked
    answering(monkeypatch, {**FOUND, "rows": [{**ROW, "wait_seconds": NONE}]})
    assert tidegate("stats", "--plot", "wait").stdout.splitlines()[0] == "text.count  -"
    answering(monkeypatch, {**FOUND, "rows": []})
    assert tidegate("stats", "--plot", "wait").stdout.startswith("no ended jobs; ")


def test_bars_fit_the_terminal(asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch) -> None:
    del asked
    answering(monkeypatch, {**FOUND, "rows": HOURS})
    lines = on_screen(monkeypatch, 60, "stats", "--by", "hour", "--plot", "ended")
    assert max(map(len, lines)) <= 60
    assert "█" * 15 in lines[0]


STEPS = [
    {
        "since": f"2026-12-01T0{hour}:00:00.000Z",
        "ended": ended,
        "succeeded": ended,
        "failed": 0,
        "timed_out": 0,
    }
    for hour, ended in ((1, 1), (3, 2))
]


def test_the_ends_of_each_row_are_drawn_over_the_time_that_is_counted(
    asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    del asked
    row = {**ROW, "steps": STEPS}
    seen = answering(monkeypatch, {**FOUND, "rows": [row], "total": {**row, "type": None}})
    assert tidegate("stats", "--by", "type", "--step", "hour").stdout.splitlines() == [
        "text.count  ·▅·█····  3, 1 failed, at most 2 in an hour",
        "all         ·▅·█····  3, 1 failed, at most 2 in an hour",
        "counted until 2026-12-01T08:00:00.000Z",
    ]
    assert dict(seen[0].url.params) == {"by": "type", "step": "hour"}
    lines = tidegate("stats", "--by", "type", "--step", "hour", "--csv").stdout.splitlines()
    assert lines == [
        "pool,type,share,worker,since,ended,succeeded,failed,timed_out",
        ",text.count,,,2026-12-01T01:00:00.000Z,1,1,0,0",
        ",text.count,,,2026-12-01T03:00:00.000Z,2,2,0,0",
    ]
    assert tidegate("stats", "--step", "hour", "--plot", "ended").exit_code == 2


@pytest.mark.parametrize("form", [("--csv",), ("-o", "json")])
def test_a_plot_beside_another_form_is_refused(asked: list[httpx.Request], form: tuple[str, ...]) -> None:
    result = tidegate("stats", "--plot", "ended", *form)
    assert result.exit_code == 2
    assert "--plot" in result.stderr
    assert not asked


def test_nothing_counted_is_said(asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch) -> None:
    del asked
    answering(monkeypatch, {**FOUND, "rows": [], "counted_until": None})
    assert tidegate("stats").stdout == "no ended jobs; nothing is counted yet\n"
    assert tidegate("stats", "--from", "yesterday").exit_code == 2
