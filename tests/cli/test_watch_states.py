"""`tidegate workflows watch` shows the counts and the changes of a workflow, and ends with it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from rich.console import Console

from tests.harness.cli.samples import client_of, job_json
from tests.harness.cli.screens import Answer, Screen, answer_with, tidegate
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.following.follow import Waiting
from tidegate_cli.following.states import (
    JsonWatcher,
    LineWatcher,
    Look,
    StatesReader,
    exit_code_at,
    follow_states,
    watcher_for,
)

ID = "01JD3V8Q5S2Y6W9K4M7N0P1R2T"
KEYS = ["a", "b", "c"]
PENDING = {"state": "RUNNING", "version": "1", "states": "RPP", "counts": {"READY": 1, "PENDING": 2}}
RUNS = {"state": "RUNNING", "version": "2", "changes": {"A": [0]}, "counts": {"RUNNING": 1, "PENDING": 2}}
SAME = {**RUNS, "changes": {}}
ENDED = {"state": "SUCCEEDED", "version": "3", "changes": {"S": [0, 1, 2]}, "counts": {"SUCCEEDED": 3}}
WAY = (PENDING, RUNS, SAME, ENDED)


def api(
    *answers: Mapping[str, Any], keys: Sequence[str] | None = KEYS, skipped: Sequence[str] = ()
) -> Answer:
    """Makes an API whose workflow goes through these answers about its states, and stays at the last one."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/graph"):
            graph: dict[str, Any] = {"keys": keys, "parents": [[], [], []], "edge_types": []}
            return httpx.Response(404, json={}) if keys is None else httpx.Response(200, json=graph)
        if request.url.path.endswith("/v1/jobs"):
            errors = [{"code": code, "message": "", "upstream_id": f"{ID}.0"} for code in skipped]
            rows = [job_json(1, "SKIPPED", error=error) for error in errors]
            return httpx.Response(200, json={"jobs": rows, "cursor": None})
        found = left.pop(0) if len(left) > 1 else left[0]
        whole = {"workflow_id": ID, "job_count": 3, "states": None, "changes": {}, **found}
        return httpx.Response(200, json=whole)

    return answer


def watched(answer: Answer, watcher: Any, timeout_seconds: float = 600) -> tuple[Look, list[httpx.Request]]:
    """Watches a workflow with clocks that stand still but for the pauses."""
    seen: list[httpx.Request] = []
    clock = [0.0]

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request)

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    waiting = Waiting(lambda: clock[0], sleep, lambda: int(clock[0] * 1_000))
    with client_of(handler) as client:
        reader = StatesReader(client, ID)
        return follow_states(reader, watcher, timeout_seconds=timeout_seconds, waiting=waiting), seen


def text_of(*answers: Mapping[str, Any], keys: Sequence[str] | None = KEYS) -> list[str]:
    out = io.StringIO()
    watched(api(*answers, keys=keys), LineWatcher(Console(file=out, width=200)))
    return [line.split(" ", 1)[1] for line in out.getvalue().splitlines()]


def test_each_look_asks_for_what_changed_since_the_one_before() -> None:
    _, seen = watched(api(*WAY), LineWatcher(Console(file=io.StringIO())))
    paths = [request.url.raw_path.decode().partition("/v1/workflows/")[2] for request in seen]
    states = f"{ID}/states"
    since = [f"{states}?since={version}" for version in (1, 2, 2)]
    assert paths == [states, f"{ID}/graph", *since]


def test_a_pipe_gets_a_line_for_each_change_and_the_counts() -> None:
    assert text_of(*WAY) == [
        "0/3 ended: PENDING 2  READY 1",
        "RUNNING   a",
        "0/3 ended: PENDING 2  RUNNING 1",
        "SUCCEEDED a",
        "SUCCEEDED b",
        "SUCCEEDED c",
        "3/3 ended: SUCCEEDED 3",
    ]


def test_jobs_of_a_workflow_without_a_graph_are_shown_by_their_ids() -> None:
    assert f"RUNNING   {ID}.0" in text_of(*WAY, keys=None)


def test_more_changes_than_a_screen_holds_are_shown_as_counts() -> None:
    many = {**ENDED, "job_count": 201, "changes": {"S": list(range(201))}, "counts": {"SUCCEEDED": 201}}
    assert text_of({**PENDING, "job_count": 201}, many) == [
        "0/201 ended: PENDING 2  READY 1",
        "201/201 ended: SUCCEEDED 201",
    ]


def test_a_silent_workflow_shows_signs_of_life() -> None:
    lines = text_of(PENDING, *([SAME] * 20), ENDED)
    assert "nothing new for 14.9 s" in "\n".join(lines)


def test_a_letter_and_a_word_that_this_client_does_not_know_are_passed_over() -> None:
    later = {**RUNS, "state": "HIBERNATING", "changes": {"Z": [1], "A": [0]}}
    assert text_of(PENDING, later, ENDED)[1:3] == ["RUNNING   a", "0/3 ended: PENDING 2  RUNNING 1"]


def test_a_terminal_gets_a_picture_of_counts_and_changes() -> None:
    screen = Screen()
    console = Console(file=screen, width=100, color_system=None, force_terminal=True)
    with watcher_for(console) as watcher:
        watched(api(*WAY), watcher)
    drawn = screen.getvalue()
    for part in ("3/3 ended", "SUCCEEDED 3", "RUNNING   a", ID):
        assert part in drawn


def test_json_has_a_line_for_each_look_that_found_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    watched(api(*WAY), JsonWatcher(Console(file=out)))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["version"] for line in lines] == ["1", "2", "3"]
    assert lines[0]["changes"] == [{"job_id": f"{ID}.0", "key": "a", "state": "READY"}]
    assert lines[1] == {
        "workflow_id": ID,
        "state": "RUNNING",
        "version": "2",
        "job_count": 3,
        "counts": {"PENDING": 2, "RUNNING": 1},
        "changes": [{"job_id": f"{ID}.0", "key": "a", "state": "RUNNING"}],
    }
    answer_with(monkeypatch, api(ENDED))
    shown = tidegate("workflows", "watch", ID, "--output", "json")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert json.loads(shown.stdout)["state"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("word", "counts", "skipped", "code"),
    [
        ("SUCCEEDED", {"SUCCEEDED": 3}, [], 0),
        ("FAILED", {"FAILED": 1, "CANCELLED": 2}, [], 3),
        ("FAILED", {"TIMED_OUT": 1, "SUCCEEDED": 2}, [], 3),
        ("CANCELLED", {"CANCELLED": 3}, [], 5),
        ("SUCCEEDED", {"SUCCEEDED": 2, "SKIPPED": 1}, ["branch-not-taken"], 0),
        ("CANCELLED", {"CANCELLED": 1, "SKIPPED": 1}, ["dependency-unsatisfiable"], 5),
        ("SUCCEEDED", {"SUCCEEDED": 2, "SKIPPED": 1}, ["condition-error"], 3),
    ],
)
def test_the_exit_code_is_that_of_wait(
    monkeypatch: pytest.MonkeyPatch, word: str, counts: dict[str, int], skipped: list[str], code: int
) -> None:
    answer_with(monkeypatch, api({**ENDED, "state": word, "counts": counts}, skipped=skipped))
    shown = tidegate("workflows", "watch", ID)
    assert shown.exit_code == code, shown.output
    assert shown.stdout.startswith(ID)
    for state in counts:
        assert state in shown.stdout


def test_a_watch_that_is_over_names_the_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, api(PENDING))
    shown = tidegate("workflows", "watch", ID, "--timeout-seconds", "0.1")
    assert shown.exit_code == ExitCode.WAIT_TIMED_OUT
    for part in ("3 of 3 jobs have not ended", f"tidegate wait {ID}", f"tidegate workflows cancel {ID}"):
        assert part in shown.stderr


def test_ctrl_c_ends_the_watch_and_not_the_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    answer_with(monkeypatch, interrupted)
    shown = tidegate("workflows", "watch", ID)
    assert shown.exit_code == ExitCode.INTERRUPTED
    assert f"workflow {ID} goes on" in shown.stderr


def test_a_workflow_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(
        monkeypatch, lambda _request: httpx.Response(404, json={"title": "There is no such workflow"})
    )
    assert tidegate("workflows", "watch", ID).exit_code == ExitCode.ERROR


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3},
        {"counts": {"READY": "x"}},
        {"states": ["A"]},
        {"changes": {"A": 3}},
        {"changes": {"A": ["x"]}},
    ],
)
@pytest.mark.parametrize("command", ["watch", "states"])
def test_an_answer_of_another_api_is_an_error(
    monkeypatch: pytest.MonkeyPatch, command: str, changes: dict[str, object]
) -> None:
    answer_with(monkeypatch, api({**ENDED, **changes}))
    shown = tidegate("workflows", command, ID)
    assert shown.exit_code == ExitCode.ERROR
    assert "is --api-url a tidegate API?" in shown.stderr


@pytest.mark.parametrize("graph", [{}, {"keys": 3}, {"keys": ["a"], "edge_types": [[1]], "parents": []}])
def test_a_graph_of_another_api_is_an_error(monkeypatch: pytest.MonkeyPatch, graph: object) -> None:
    answer_with(monkeypatch, lambda _request: httpx.Response(200, json=graph))
    shown = tidegate("workflows", "graph", ID)
    assert shown.exit_code == ExitCode.ERROR
    assert "no graph of a workflow" in shown.stderr


def test_no_skipped_job_needs_no_read() -> None:
    look = Look(ID, "CANCELLED", "1", 1, {}, (), True, 0, 0)
    with client_of(lambda _request: httpx.Response(500)) as client:
        assert exit_code_at(client, look) is ExitCode.SUCCESS
