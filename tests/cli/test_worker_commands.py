"""`tidegate worker`, which starts a process, and `tidegate workers`, which shows the processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate_cli import options
from tidegate_cli.commands.root import app
from tidegate_worker import main as worker_main
from tidegate_worker.worker_options import DEFAULT_DRAIN_SECONDS, WorkerArguments

Answers = Mapping[tuple[str, str], httpx.Response]
WORKER = {
    "worker_id": "nightly-1",
    "pool": "ecs",
    "session_id": "01KBC7RV8M5B6W2Y3Q7RVXN4C1",
    "name": "nightly \x1b[31mrun",
    "host": "ip-10-0-1-17",
    "state": "ACTIVE",
    "live": True,
    "slots": 8,
    "running": 3,
    "claimed": 41,
    "succeeded": 36,
    "failed": 2,
    "handed_back": 0,
    "all_sessions": {
        "since": "2026-11-30T07:00:00.000Z",
        "sessions": 3,
        "claimed": 120,
        "succeeded": 111,
        "failed": 5,
        "handed_back": 2,
        "lost": 1,
    },
    "response_seconds": 0.012,
    "capabilities": [],
    "tags": {"team": "data"},
    "started_at": "2026-12-01T07:00:00.000Z",
    "heartbeat_at": "2026-12-01T08:00:00.000Z",
    "heartbeat_age_seconds": 2.5,
    "drain_requested_at": None,
    "clock_off_seconds": 0.0,
}
PATH = "/live/v1/workers/ecs/nightly-1"


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], list[httpx.Request]]:
    """Makes commands talk to an API that answers by method and path. Returns the list of its requests."""

    def install(answers: Answers) -> list[httpx.Request]:
        seen: list[httpx.Request] = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return answers[(request.method, request.url.path)]

        monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
        return seen

    return install


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[WorkerArguments]:
    """Records the arguments of worker processes instead of starting them."""
    given: list[WorkerArguments] = []

    def run_worker(arguments: WorkerArguments) -> int:
        given.append(arguments)
        return 1

    monkeypatch.setenv("TIDEGATE_POOLS", "{}")
    monkeypatch.setattr(worker_main, "run_worker", run_worker)
    return given


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def page(*workers: Mapping[str, Any], cursor: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"workers": workers, "cursor": cursor})


def test_a_list_for_people_is_one_line_each(api: Callable[[Answers], list[httpx.Request]]) -> None:
    silent = {**WORKER, "worker_id": "nightly-2", "live": False}
    left = {**WORKER, "worker_id": "nightly-3", "state": "INACTIVE", "live": False, "name": None}
    seen = api({("GET", "/live/v1/workers"): page(WORKER, silent, left)})
    result = tidegate("workers", "list", "--pool", "ecs", "--state", "ACTIVE", "--limit", "3")
    assert result.exit_code == 0, result.stderr
    assert dict(seen[0].url.params) == {"state": "ACTIVE", "pool": "ecs", "limit": "3"}
    header, first, second, third = result.stdout.splitlines()
    assert header.split() == [
        *("worker", "id", "pool", "state", "name", "host", "slots", "running", "done", "failed"),
        *("all", "done", "all", "failed", "lost", "response", "heartbeat"),
    ]
    assert first.split()[:3] == ["nightly-1", "ecs", "ACTIVE"]
    counts = ["8", "3", "36", "2", "111", "5", "1", "0.012"]
    assert first.split()[-9:] == [*counts, "2026-12-01T08:00:00.000Z"]
    assert "\\x1b" in first
    assert "\x1b" not in result.stdout
    assert "ACTIVE (silent)" in second
    assert third.split()[2:4] == ["INACTIVE", "-"]


def test_a_list_goes_on_over_pages_until_its_limit(api: Callable[[Answers], list[httpx.Request]]) -> None:
    seen = api({("GET", "/live/v1/workers"): page(WORKER, WORKER, cursor="more")})
    result = tidegate("workers", "list", "--limit", "3", "--output", "json")
    assert json.loads(result.stdout) == {"workers": [WORKER] * 3}
    assert "3 workers are listed, as many as --limit allows: there may be more" in result.stderr
    assert [dict(request.url.params) for request in seen] == [
        {"limit": "3"},
        {"limit": "1", "cursor": "more"},
    ]


def test_no_workers_is_said(api: Callable[[Answers], list[httpx.Request]]) -> None:
    api({("GET", "/live/v1/workers"): page()})
    assert tidegate("workers", "list").stdout == "no workers\n"


def test_one_worker_is_shown_with_its_totals(api: Callable[[Answers], list[httpx.Request]]) -> None:
    api({("GET", PATH): httpx.Response(200, json=WORKER)})
    shown = tidegate("workers", "get", "ecs", "nightly-1").stdout
    rows = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1].strip() for line in shown.splitlines()}
    assert (rows["claimed"], rows["handed_back"], rows["tags"]) == ("41", "0", '{"team": "data"}')
    assert "drain_requested_at" not in rows
    assert json.loads(tidegate("workers", "get", "ecs", "nightly-1", "-o", "json").stdout) == WORKER


def test_a_drain_says_what_becomes_of_it(api: Callable[[Answers], list[httpx.Request]]) -> None:
    draining = {**WORKER, "state": "DRAINING"}
    api({("POST", f"{PATH}/drain"): httpx.Response(202, json=draining)})
    assert tidegate("workers", "drain", "ecs", "nightly-1").stdout.startswith("nightly-1 is DRAINING;")
    assert json.loads(tidegate("workers", "drain", "ecs", "nightly-1", "-o", "json").stdout) == draining


def test_a_worker_that_is_gone_is_one_line_and_exit_code_1(
    api: Callable[[Answers], list[httpx.Request]],
) -> None:
    problem = {"title": "The request conflicts with the present state", "detail": "worker nightly-1 is LOST"}
    api({("POST", f"{PATH}/drain"): httpx.Response(409, json=problem)})
    result = tidegate("workers", "drain", "ecs", "nightly-1")
    assert result.exit_code == 1
    assert "worker nightly-1 is LOST" in result.stderr


def test_a_worker_process_is_started_as_its_options_say(started: list[WorkerArguments]) -> None:
    given = ["--pool", "ecs", "--slots", "2", "--worker-id", "w-1", "--name", "n", "--drain-seconds", "3"]
    more = ["--tag", "a=1", "--tag", "b=2", "--capability", "gpu", "--capability", "tape", "--take-over"]
    assert tidegate("worker", *given, *more).exit_code == 1
    assert tidegate("worker", "--pool", "ecs").exit_code == 1
    assert started == [
        WorkerArguments(
            pool="ecs",
            slots=2,
            worker_id="w-1",
            name="n",
            tags=("a=1", "b=2"),
            capabilities=("gpu", "tape"),
            drain_seconds=3.0,
            take_over=True,
        ),
        WorkerArguments(pool="ecs", slots=4),
    ]
    assert started[1].drain_seconds == DEFAULT_DRAIN_SECONDS


@pytest.mark.parametrize(
    "option", [("--slots", "0"), ("--slots", "-2"), ("--slots", "257"), ("--drain-seconds", "-1")]
)
def test_numbers_out_of_bounds_are_exit_code_2(
    started: list[WorkerArguments], option: tuple[str, str]
) -> None:
    assert tidegate("worker", "--pool", "ecs", *option).exit_code == 2
    assert not started


def test_an_ordered_list_is_one_call(api: Callable[[Answers], list[httpx.Request]]) -> None:
    seen = api(
        {("GET", "/live/v1/workers"): httpx.Response(200, json={"workers": [WORKER], "complete": False})}
    )
    result = tidegate("workers", "list", "--order", "free", "--output", "json")
    assert json.loads(result.stdout) == {"workers": [WORKER]}
    assert dict(seen[0].url.params) == {"order": "free", "limit": "50"}
    assert "there are more workers than one call looks at" in result.stderr


def test_the_jobs_of_a_worker_are_a_table(api: Callable[[Answers], list[httpx.Request]]) -> None:
    job = {
        "job_id": "01JD3V8Q5S2Y6W9K4M7N0P1R2T.3",
        "state": "RUNNING",
        "key": "load",
        "type": "x",
        "attempt": 2,
    }
    ended = {**job, "state": "FAILED", "error_code": "broken"}
    answer = {"running": [job], "ended": [ended], "complete": True, "ended_since": "2026-12-01T08:00:00.000Z"}
    api({("GET", f"{PATH}/jobs"): httpx.Response(200, json=answer)})
    result = tidegate("workers", "jobs", "ecs", "nightly-1")
    first, second = (line.split() for line in result.stdout.splitlines()[1:])
    assert first[:4] == ["01JD3V8Q5S2Y6W9K4M7N0P1R2T.3", "RUNNING", "load", "x"]
    assert second[-1] == "broken"
    assert "jobs that ended before 2026-12-01T08:00:00.000Z may be missing" in result.stderr
    assert json.loads(tidegate("workers", "jobs", "ecs", "nightly-1", "-o", "json").stdout) == answer
