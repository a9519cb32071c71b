"""Following and waiting: the first line at once, signs of life, and a hint how to go on when the watching ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from tests.harness.cli.samples import BEGIN_MS, WORKFLOW, job, job_json, workflow_json
from tests.harness.cli.screens import Answer, answer_with, tidegate
from tests.harness.processes import hears_interrupts
from tests.harness.waiting import PATIENCE_SECONDS
from tidegate_cli.following import watching
from tidegate_cli.following.follow import Snapshot
from tidegate_cli.following.live import LineViewer, LiveViewer

JOB_ID = f"{WORKFLOW}.0"
POOL = {
    "name": "lambda",
    "capacity": 4,
    "active": {"count": 0, "more": False},
    "ready": {"count": 1, "more": False},
}
NO_WORKFLOW = httpx.Response(404, json={"title": "Not found", "detail": "there is no workflow"})
WAY_ON = (f"tidegate follow {JOB_ID}", f"tidegate wait {JOB_ID}", f"tidegate jobs cancel {JOB_ID}")


def api(*states: str, workflow: bool = False) -> Answer:
    """Makes an API whose one job goes through the given states, and stays in the last one."""
    left = list(states)

    def answer(request: httpx.Request) -> httpx.Response:
        if "/pools/" in request.url.path:
            return httpx.Response(200, json=POOL)
        if "/workflows/" in request.url.path and not workflow:
            return NO_WORKFLOW
        state = left.pop(0) if len(left) > 1 else left[0]
        raw = job_json(0, state, started=1.0, finished=2.0)
        raw["job_id"] = WORKFLOW if request.url.path.endswith(WORKFLOW) and not workflow else JOB_ID
        return httpx.Response(200, json=workflow_json([raw]) if workflow else raw)

    return answer


@pytest.mark.parametrize(("state", "code"), [("SUCCEEDED", 0), ("FAILED", 3), ("CANCELLED", 5)])
@pytest.mark.parametrize("command", ["follow", "wait"])
def test_a_job_is_watched_to_its_end(
    monkeypatch: pytest.MonkeyPatch, command: str, state: str, code: int
) -> None:
    answer_with(monkeypatch, api("RUNNING", state))
    result = tidegate(command, JOB_ID)
    assert result.exit_code == code
    assert state in result.stdout
    assert ("RUNNING" in result.stderr) is (command == "follow")
    answer_with(monkeypatch, api(state))
    made = json.loads(tidegate(command, JOB_ID, "-o", "json").stdout)
    assert (made["job_id"], made["state"]) == (JOB_ID, state)


def test_an_id_without_a_dot_is_a_workflow_or_a_job_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, api("SUCCEEDED", workflow=True))
    assert tidegate("wait", WORKFLOW).stdout.split() == [WORKFLOW, "SUCCEEDED", "1"]
    assert json.loads(tidegate("wait", WORKFLOW, "-o", "json").stdout)["jobs"][0]["job_id"] == JOB_ID
    answer_with(monkeypatch, api("SUCCEEDED"))
    assert json.loads(tidegate("follow", WORKFLOW, "-o", "json").stdout)["job_id"] == WORKFLOW


def test_the_first_line_says_the_state_and_why_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, api("READY", "SUCCEEDED"))
    lines = [line.split(" ", 1)[1] for line in tidegate("follow", JOB_ID).stderr.splitlines()]
    assert lines[:2] == [
        "0/1 ended, left -: READY 1",
        "1 job waits for a free slot in pool lambda (4 slots, 0 dispatched, 1 READY)",
    ]


@pytest.mark.parametrize("command", [("follow", JOB_ID), ("wait", JOB_ID)])
def test_a_wait_that_is_over_names_the_way_on(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    answer_with(monkeypatch, api("RUNNING"))
    result = tidegate(*command, "--timeout-seconds", "0.1")
    assert result.exit_code == 4
    for line in WAY_ON:
        assert line in result.stderr


def test_ctrl_c_while_submitting_names_the_key_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    answer_with(monkeypatch, interrupted)
    for key in (None, "nightly-1"):
        result = tidegate(
            "submit", "-", *(("--idempotency-key", key) if key else ()), stdin='{"type": "tidegate.noop"}'
        )
        assert result.exit_code == 130
        assert f"--idempotency-key {key or ''}" in result.stderr


def test_a_submission_without_an_answer_names_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []

    def gone(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        raise httpx.ConnectError("refused")

    answer_with(monkeypatch, gone)
    result = tidegate("submit", "-", stdin='{"type": "tidegate.noop"}')
    assert result.exit_code == 1
    assert len(set(keys)) == 1
    assert f"--idempotency-key {keys[0]}" in result.stderr


@pytest.mark.parametrize("of_workflow", [False, True])
def test_ctrl_c_while_a_run_is_followed_names_the_way_on(
    monkeypatch: pytest.MonkeyPatch, of_workflow: bool
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"job_id": WORKFLOW, "workflow_id": WORKFLOW, "job_ids": {}})

    answer_with(monkeypatch, answer)
    monkeypatch.setattr(watching, "follow", interrupted)
    document = {"jobs": [{"key": "a", "type": "x"}]} if of_workflow else {"type": "x"}
    result = tidegate("submit", "-", "--wait", "-o", "json", stdin=json.dumps(document))
    assert result.exit_code == 130
    assert WORKFLOW in json.loads(result.stdout).values()
    problem = json.loads(result.stderr.splitlines()[-1])
    assert problem["code"] == "interrupted"
    kind = "workflow" if of_workflow else "job"
    assert problem["detail"].startswith(f"interrupted; {kind} {WORKFLOW} goes on")
    assert f"tidegate {kind}s cancel {WORKFLOW}" in problem["detail"]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("signalled", [False, True])
def test_ctrl_c_while_the_forecast_is_asked_for_leaves_the_id_and_the_key(
    monkeypatch: pytest.MonkeyPatch, waits: bool, signalled: bool
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(201, json={"job_id": WORKFLOW})
        if signalled:
            assert callable(signal.getsignal(signal.SIGTERM))  # else it would end the tests
            signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt

    answer_with(monkeypatch, answer)
    document = json.dumps({"type": "x", "finish_by": "2026-12-01T08:00:00Z"})
    options = ["--idempotency-key", "nightly-1", "-o", "json", *(["--wait"] if waits else [])]
    result = tidegate("submit", "-", *options, stdin=document)
    assert result.exit_code == 130
    assert json.loads(result.stdout) == {"job_id": WORKFLOW, "idempotency_key": "nightly-1"}
    assert f"interrupted; job {WORKFLOW} goes on" in result.stderr


@contextmanager
def served(raw: dict[str, Any]) -> Iterator[tuple[str, threading.Event]]:
    """Runs a loopback server that answers every GET with `raw`.

    Yields its address, and an event set by the first request.
    """
    asked = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({**POOL, **raw}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if self.path.endswith("/pools/lambda"):
                asked.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_interruption_exits_with_130_and_says_how_to_go_on(
    number: signal.Signals, tmp_path: Path
) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TIDEGATE_"))
    }
    environment |= {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "TIDEGATE_HOME": str(tmp_path),
    }
    with hears_interrupts(), served({**job_json(0, "READY"), "job_id": JOB_ID}) as (url, asked):
        command = [sys.executable, "-m", "tidegate_cli", "wait", JOB_ID, "--api-url", url]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert asked.wait(PATIENCE_SECONDS)
                process.send_signal(number)
                _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
            finally:
                process.kill()
    assert process.returncode == 130
    assert stderr.startswith(f"tidegate: interrupted; job {JOB_ID} goes on\n")
    for line in WAY_ON:
        assert line in stderr


def at(seconds: float, state: str = "RUNNING") -> Snapshot:
    return Snapshot("t", (job(0, state, started=1.0),), BEGIN_MS + int(seconds * 1_000), BEGIN_MS, 1)


def test_a_silent_run_gives_a_sign_of_life_ever_more_seldom() -> None:
    out = io.StringIO()
    viewer = LineViewer(Console(file=out, width=200))
    for second in range(0, 1_200, 5):
        viewer.show(at(second))
    beats = [line for line in out.getvalue().splitlines() if "nothing new for" in line]
    assert [line.split("for ")[1].split(":")[0] for line in beats] == [
        "10.0 s",
        "20.0 s",
        "40.0 s",
        "1m20s",
        "2m40s",
        "5m00s",
        "5m00s",
    ]
    viewer.show(at(1_200, "READY"))
    viewer.show(at(1_210, "READY"))
    assert out.getvalue().splitlines()[-1].endswith("nothing new for 10.0 s: READY 1")


def test_the_clock_of_the_picture_goes_on_between_polls() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, color_system=None)
    now_s = [77.0]

    class Live:
        def update(self, renderable: Any) -> None:
            self.shown = renderable

    live: Any = Live()
    viewer = LiveViewer(live, lambda: now_s[0])
    viewer.show(at(5))  # the wall clock may say anything meanwhile
    for seconds in (0, 9):
        now_s[0] = 77.0 + seconds
        console.print(live.shown)
    heads = [line for line in out.getvalue().splitlines() if line.startswith("t  elapsed")]
    assert heads == ["t  elapsed 5.00 s", "t  elapsed 14.0 s  looked 9 s ago"]
    viewer.stand_still()
    console.print(live.shown)
    assert out.getvalue().count("looked") == 1
