"""The command line under drawn arguments and answers: one message and a known exit code, never a traceback."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rich.console import Console

import tidegate_devstack
from tests.cli.test_every_command import EVERY_COMMAND
from tests.harness.cli.samples import BEGIN_MS, WORKFLOW, client_of, job_json, workflow_json
from tests.harness.cli.screens import tidegate
from tidegate_cli import options
from tidegate_cli.commands.jobs import print_job, print_jobs
from tidegate_cli.errors import CliError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.following.follow import Snapshot
from tidegate_cli.following.live import LineViewer, picture
from tidegate_cli.following.report import build_report, print_report
from tidegate_cli.views import job_view
from tidegate_devstack import LocalStackError
from tidegate_worker import main as worker_main

OPTIONS = (
    *("--output", "-o", "--api-url", "--state", "--pool", "--workflow", "--limit", "--downstream", "--wait"),
    *("--leave-skipped", "--timeout-seconds", "--idempotency-key", "--priority", "--critical-path-weight"),
    *("--speed", "--slots", "--workers", "--worker-id", "--take-over", "--name", "--tag", "--capability"),
    *(
        "--drain-seconds",
        "--since-seconds",
        "--source",
        "--keep-up",
        "--wipe",
        "--nonsense",
        "--",
        "-",
        "-ojson",
    ),
)
VALUES = (
    *(
        WORKFLOW,
        f"{WORKFLOW}.3",
        WORKFLOW.lower(),
        "ecs",
        "tidegate.sleep",
        "RUNNING",
        "running",
        "json",
        "text",
    ),
    *(
        "0",
        "-1",
        "1e400",
        "nan",
        "inf",
        "-inf",
        "9" * 400,
        "1.5",
        "٣",
        "",
        " ",
        ".",
        "..",
        "a/b",
        "%2e",
        "/dev/null",
    ),
    *(
        "\udcff",
        "\x1b[2J",
        "夜",
        "--",
        "https://[",
        "http://x y",
        "http://\udcff",
        "k=v",
        "=",
        "none",
        "2026-13-45",
    ),
)
RIGHT = {
    "get": ["ecs", "nightly-1"],
    "drain": ["ecs", "nightly-1"],
    "pause": ["ecs"],
    "resume": ["ecs"],
    "redrive": ["ecs"],
    "limit": ["tidegate.sleep", "3"],
    "submit": ["-"],
    "run": ["-"],
    "worker": ["--pool", "ecs"],
    "follow": [f"{WORKFLOW}.3"],
    "wait": [WORKFLOW],
}
ARGUMENTS = st.lists(
    st.sampled_from(OPTIONS)
    | st.sampled_from(VALUES)
    | st.text(st.characters(exclude_characters="\x00"), max_size=20),
    max_size=4,
)


def right_arguments(command: tuple[str, ...]) -> list[str]:
    """Returns arguments with which a command reaches its call."""
    if command[0] in ("jobs", "workflows") and command[-1] != "list":
        return [WORKFLOW]
    if command[0] in ("pools", "types") and command[-1] == "get":
        return ["ecs"]
    return RIGHT.get(command[-1], [])


JOB = job_json(0, "SUCCEEDED", started=1.0, finished=2.0)
ANSWERS: tuple[Any, ...] = (
    {**JOB, **workflow_json([JOB]), "pools": [{}], "types": [{}], "workers": [{}], "acts": [{}]},
    {"job_id": WORKFLOW, "workflow_id": WORKFLOW, "job_ids": {}},
    {"jobs": [{}], "pools": [{"ready": 3}], "types": [3], "workers": None, "cursor": 5},
    {"jobs": None, "message": {"a": 1}, "errors": 3, "title": [], "detail": {}, "type": 4, "reopened": None},
    {**JOB, "downstream": 3, "reopening": {"reopened": "x", "left_at_limit": []}, "history": [3]},
    {
        **JOB,
        "downstream": {"ended": None},
        "reopening": 3,
        "depends_on": [{"job_id": 3, "type": "MUST_START"}],
    },
    {**JOB, "history": [{"state": None, "at": None, "reason": 3}], "depends_on": [{"key": ["x"]}]},
    {**JOB, "history": [{"state": None, "at": None, "reason": 3}], "estimated_duration_seconds": "x"},
    {**JOB, "history": [{"state": {}, "reason": 3}], "priority": None, "attempt": "x", "held_in": "type:x:y"},
    {**JOB, "state": "READY", "held_in": "key:x:y", "progress": {"fraction": "x", "message": 3}},
    {"reopened": 3, "left_at_limit": "x", "redriven": {}, "looked_at": None, "name": "x", "jobs": [JOB, 3]},
    {"errors": [{"field": None}, 3, {"message": ["x"]}], "history": 4, "changes": {"paused": 3}},
    [],
    "x",
    None,
)
STATUSES = (200, 200, 201, 301, 400, 403, 404, 409, 422, 500)
STDIN = ("", '{"type": "x"}', '{"jobs": []}', "type: [", '{"workflow": {}}', "\x00", '{"a": 1e999}')


@pytest.fixture(autouse=True)
def nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LocalStackError("not here")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("TIDEGATE_POOLS", "{}")
    for name in ("up", "up_with_console", "building", "down", "logs"):
        monkeypatch.setattr(tidegate_devstack, name, refuse)
    monkeypatch.setattr("tidegate_cli.demo.run.run_demo", refuse)
    monkeypatch.setattr("tidegate_cli.commands.console.wait_for_the_end", lambda: None)
    monkeypatch.setattr("tidegate_cli.commands.doctor._aws_session", lambda *_: (None, ""))
    monkeypatch.setattr("tidegate_cli.commands.doctor.clock_ahead_seconds", lambda *_, **__: 0.0)
    monkeypatch.setattr(worker_main, "run_worker", lambda _arguments: 1)


@pytest.mark.slow
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(EVERY_COMMAND),
    st.booleans(),
    ARGUMENTS,
    st.sampled_from(ANSWERS),
    st.sampled_from(STATUSES),
    st.sampled_from(STDIN),
)
@example(("jobs", "list"), False, ["--pool", "\udcff"], {}, 200, "")
@example(("jobs", "get"), False, [WORKFLOW], {**JOB, "history": [3]}, 200, "")
@example(("jobs", "get"), False, [WORKFLOW, "-o", "json"], {**JOB, "error": "x"}, 200, "")
@example(("workers", "list"), False, [], {"workers": [{"worker_id": ["x"], "state": 3}]}, 200, "")
@example(("submit",), False, ["-", "--idempotency-key", "\udcff"], {}, 200, '{"type": "x"}')
@example(("submit",), False, ["\udcff"], {}, 200, "")
def test_whatever_is_typed_ends_in_a_message_and_a_known_code(
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    begins_right: bool,
    arguments: list[str],
    answer: object,
    status: int,
    stdin: str,
) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(answer).encode())

    monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
    right = right_arguments(command) if begins_right else []
    result = tidegate(*command, *right, *arguments, stdin=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in set(ExitCode)
    assert "Traceback" not in result.output
    assert "this is a bug" not in result.output, (command, arguments, answer, result.output)
    assert "\x1b" not in result.output
    last = result.stderr.splitlines()[-1:]
    if last and last[0].startswith('{"type"'):
        assert json.loads(last[0])["exit_code"] == result.exit_code


ODD: tuple[Any, ...] = (
    3,
    -1.5,
    "x",
    "",
    [],
    [3],
    [{}],
    {},
    {"a": 1},
    True,
    "\x1b[2J",
    "2027-01-15T08:00:01.000Z",
)
NESTED = {
    "history": ("at", "state", "attempt", "actor", "reason"),
    "depends_on": ("job_id", "key", "type", "condition"),
    "error": ("code", "message", "upstream_id"),
    "progress": ("fraction", "message"),
    "straggler": ("runs", "p99_seconds"),
}


def odd_jobs() -> Iterator[dict[str, Any]]:
    """Makes jobs in each of which one field, or one field of a part, has a wrong shape."""
    whole = job_json(0, "RUNNING", started=1.0, due_at=None, held_in=None)
    for name, odd in product(whole, ODD):
        yield {**whole, name: odd}
    for part, names in NESTED.items():
        for name, odd in product(names, ODD):
            inner = {name: odd, **({"state": "RUNNING"} if name != "state" else {})}
            yield {**whole, part: [inner] if part in ("history", "depends_on") else inner}


def test_a_job_of_any_shape_is_shown_or_refused_as_no_job() -> None:
    out = io.StringIO()
    console = Console(file=out, width=200, color_system=None)
    shown = refused = 0
    for raw in odd_jobs():
        try:
            view = job_view(raw)
        except CliError:
            refused += 1
            continue
        shown += 1
        print_job(view, console)
        print_jobs([view], console)
        snapshot = Snapshot("t", (view,), BEGIN_MS, BEGIN_MS, 1)
        console.print(picture(snapshot))
        LineViewer(console).show(snapshot)
        print_report(build_report(WORKFLOW, None, [view]), console)
    assert shown > 100
    assert refused > 100
    assert "\x1b" not in out.getvalue()
