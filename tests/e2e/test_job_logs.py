"""The lines that jobs print on the real stack: soon, by attempt, from the function and from worker processes alike."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, job_state
from tests.harness.e2e.worker_processes import worker
from tidegate_cli.client import Client
from tidegate_cli.target import local_target
from tidegate_cli.views import parse_time_ms
from tidegate_devstack import StackInfo

FIRST_LINE_SECONDS = 2.0
PAUSE_SECONDS = 3  # behind each line, so that the job runs on when its first line is due


def submit(home: Path, pool: str, **fields: Any) -> str:
    job = {"type": "demo.talk", "pool": pool, **fields}
    return str(tidegate_json(home, "submit", "-", stdin=json.dumps(job))["job_id"])


def texts(home: Path, job_id: str, *options: str) -> list[str]:
    lines = tidegate_json(home, "jobs", "logs", job_id, *options)["lines"]
    return [line["text"] for line in lines]


def sees_the_first_line_soon(stack: StackInfo, job_id: str, note: Callable[[str], None], where: str) -> None:
    """Waits for the first line while the job runs; checks how long the line took.

    It asks the API itself, because the start of a command takes longer than some lines.
    """
    with Client(local_target(stack)) as client:
        until_s = time.monotonic() + 60
        while not (page := client.read_logs(job_id))["lines"]:
            assert time.monotonic() < until_s, "no line came"
            time.sleep(0.05)
    seen_ms = time.time() * 1_000
    assert page["state"] == "RUNNING", "the line was seen after the end only"
    printed_ms = parse_time_ms(page["lines"][0]["at"])
    assert printed_ms is not None
    took_s = (seen_ms - printed_ms) / 1_000
    note(f"the first line of a job in a {where} was seen {took_s:.2f} s after it was printed")
    assert took_s <= FIRST_LINE_SECONDS


def test_a_job_of_the_function_is_followed(
    stack: StackInfo, stack_home: Path, note: Callable[[str], None]
) -> None:
    job_id = submit(stack_home, "lambda", parameters={"lines": 4, "seconds": PAUSE_SECONDS})
    sees_the_first_line_soon(stack, job_id, note, "function")
    followed = tidegate(stack_home, "jobs", "logs", job_id, "--follow")
    assert followed.returncode == 0, followed.stderr
    expected = [*(f"line {number} of 4" for number in range(1, 5)), "INFO demo all lines are printed"]
    assert followed.stdout.splitlines() == expected


def test_a_job_of_a_worker_process_is_followed(
    stack: StackInfo, stack_home: Path, tmp_path: Path, note: Callable[[str], None]
) -> None:
    job_id = submit(stack_home, "ecs", parameters={"lines": 4, "seconds": PAUSE_SECONDS})
    with worker(stack_home, tmp_path / "log", "--slots", "2"):
        sees_the_first_line_soon(stack, job_id, note, "worker process")
        followed = tidegate(stack_home, "jobs", "logs", job_id, "--follow")
    assert followed.stdout.splitlines()[-1] == "INFO demo all lines are printed"
    assert "can't be sent" not in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.usefixtures("stack")
def test_each_attempt_keeps_its_lines_and_the_error_has_the_last_ones(stack_home: Path) -> None:
    job_id = submit(
        stack_home,
        "lambda",
        parameters={"lines": 2, "fails": True},
        max_retries=1,
        retry={"backoff_seconds": 1},
    )
    becomes(job_state(stack_home, job_id), "FAILED")
    error = tidegate_json(stack_home, "jobs", "get", job_id)["error"]
    assert error["code"] == "ValueError"
    assert error["last_lines"][:2] == ["line 1 of 2", "line 2 of 2"]
    assert error["last_lines"][-1].strip() == 'raise ValueError("it was told to fail")'
    for attempt in ("1", "2"):
        lines = texts(stack_home, job_id, "--attempt", attempt)
        assert lines[:2] == ["line 1 of 2", "line 2 of 2"]
        assert f"attempt {attempt} raised ValueError" in lines[3]
