"""The commands that list workflows and show their graphs and states."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate.contracts.workflow_responses import LETTERS as API_LETTERS
from tidegate_cli import options
from tidegate_cli.commands.root import app
from tidegate_cli.workflow_answers import LETTERS

ID = "01JD3V8Q5S2Y6W9K4M7N0P1R2T"
ROW = {
    "workflow_id": ID,
    "name": "nightly",
    "created_at": "2026-12-01T08:00:00.000Z",
    "submitted_by": "arn:aws:iam::123456789012:user/ann",
    "job_count": 3,
    "state": "RUNNING",
    "counts": {"RUNNING": 1, "PENDING": 2},
    "started_at": "2026-12-01T08:00:01.000Z",
    "ended_at": None,
    "critical_path_seconds": 5.0,
}
GRAPH = {
    "workflow_id": ID,
    "job_count": 3,
    "keys": ["a", 'b"', "c"],
    "types": ["t"],
    "type_of": [0, 0, 0],
    "estimates": [None, None, None],
    "parents": [[], [1], [1, 2]],
    "edge_types": [[2, 0, "MUST_START"]],
    "outside": [],
    "critical_path": [],
    "critical_path_seconds": None,
}
STATES = {**ROW, "version": "7", "states": "AAP", "changes": {}}
Seen = list[str]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], Seen]:
    """Makes commands talk to an API that gives every request the same answer. Returns the paths of its requests."""

    def install(answer: Any) -> Seen:
        seen: Seen = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request.url.raw_path.decode())
            return httpx.Response(200, json=answer)

        monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
        monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        return seen

    return install


def tidegate(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.stderr
    return result


def test_the_letters_are_those_of_the_api() -> None:
    assert {str(state): letter for letter, state in LETTERS.items()} == {
        str(state): letter for state, letter in API_LETTERS.items()
    }


def test_workflows_are_listed_by_filters(api: Callable[[Any], Seen]) -> None:
    seen = api({"workflows": [ROW], "looked_at": 1, "looked_back_to": None, "cursor": None})
    listed = tidegate("workflows", "list", "--state", "running", "--state", "FAILED", "--name", "night")
    assert [word in listed.stdout for word in (ID, "RUNNING", "nightly", "1 RUNNING", "2 PENDING")] == [
        True
    ] * 5
    asked = httpx.URL("https://a" + seen[0]).params
    assert dict(asked) == {"state": "RUNNING,FAILED", "name": "night", "limit": "50"}
    tidegate(
        *("workflows", "list", "--tag", "team=data", "--tag", "a=b"),
        "--from",
        "2026-12-01T00:00:00Z",
        "--to",
        "2026-12-02T00:00:00Z",
        "--submitted-by",
        "x",
        *("--finish-by", "2026-12-03T00:00:00Z", "--verdict", "at-risk"),
    )
    asked = httpx.URL("https://a" + seen[1]).params
    assert asked.get_list("tag") == ["team=data", "a=b"]
    assert (asked["from"], asked["to"], asked["submitted_by"], asked["finish_by"], asked["verdict"]) == (
        "2026-12-01T00:00:00Z",
        "2026-12-02T00:00:00Z",
        "x",
        "2026-12-03T00:00:00Z",
        "at-risk",
    )
    assert json.loads(tidegate("workflows", "list", "--output", "json").stdout) == {"workflows": [ROW]}


def test_workflows_are_listed_with_their_forecast_ends(api: Callable[[Any], Seen]) -> None:
    times = {bound: f"2026-12-01T0{hour}:00:00Z" for hour, bound in enumerate(("low", "median", "high"))}
    forecasts = ({"end": times}, {"end": None}, None)
    rows = [{**ROW, "forecast": each} for each in forecasts]
    seen = api({"workflows": rows, "looked_at": 3, "looked_back_to": None, "cursor": None})
    shown = tidegate("workflows", "list", "--forecast").stdout
    assert httpx.URL("https://a" + seen[0]).params["forecast"] == "true"
    ends = [line.split("  ")[-3:] for line in shown.splitlines()]
    assert times["median"] in shown
    assert "not as things stand" in shown
    assert shown.splitlines()[-1].rstrip().endswith("-"), ends


def test_a_listing_goes_on_over_pages_that_found_nothing(
    api: Callable[[Any], Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = iter([([], "next"), ([], "later"), ([ROW], None)])
    api({})

    def handler(_request: httpx.Request) -> httpx.Response:
        rows, cursor = next(pages)
        return httpx.Response(200, json={"workflows": rows, "cursor": cursor})

    monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
    assert ID in tidegate("workflows", "list").stdout


def test_a_graph_is_printed_for_mermaid_and_graphviz(api: Callable[[Any], Seen]) -> None:
    seen = api(GRAPH)
    mermaid = tidegate("workflows", "graph", ID).stdout.splitlines()
    assert mermaid == [
        "flowchart LR",
        '  j0["a"]',
        '  j1["b#quot;"]',
        '  j2["c"]',
        "  j0 --> j1",
        "  j1 -- MUST_START --> j2",
        "  j0 --> j2",
    ]
    dot = tidegate("workflows", "graph", ID, "--format", "dot").stdout.splitlines()
    assert dot[0] == "digraph workflow {"
    assert '  j1 [label="b\\""];' in dot
    assert '  j1 -> j2 [label="MUST_START"];' in dot
    assert "  j0 -> j2;" in dot
    assert json.loads(tidegate("workflows", "graph", ID, "--output", "json").stdout) == GRAPH
    assert set(seen) == {f"/live/v1/workflows/{ID}/graph"}


def test_a_critical_path_is_printed_with_what_is_measured(api: Callable[[Any], Seen]) -> None:
    path = {
        "seconds": 12.5,
        "measured_seconds": 10.0,
        "jobs": [0, 2],
        "keys": ["a", "c"],
        "states": ["SUCCEEDED", "PENDING"],
        "job_seconds": [10.0, 2.5],
        "known_by": ["MEASURED", "ESTIMATED"],
    }
    seen = api(path)
    lines = tidegate("workflows", "critical-path", ID).stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:3]] == [["a", "SUCCEEDED", "10.0"], ["c", "PENDING", "2.50"]]
    assert lines[-1] == "critical path 12.5 s, of which 10.0 s are measured"
    assert json.loads(tidegate("workflows", "critical-path", ID, "--output", "json").stdout) == path
    assert set(seen) == {f"/live/v1/workflows/{ID}/critical-path"}
    api({**path, "keys": ["a"]})
    assert "no critical path" in CliRunner().invoke(app, ["workflows", "critical-path", ID]).stderr


def test_states_are_printed_as_letters_and_changes_as_indexes(api: Callable[[Any], Seen]) -> None:
    api(STATES)
    shown = tidegate("workflows", "states", ID).stdout
    assert [text in shown for text in ("version 7", "AAP", "A=RUNNING", "P=PENDING")] == [True] * 4
    seen = api({**STATES, "states": None, "changes": {"S": [0, 2]}})
    assert "SUCCEEDED: 0 2" in tidegate("workflows", "states", ID, "--since", "7").stdout
    assert seen == [f"/live/v1/workflows/{ID}/states?since=7"]
