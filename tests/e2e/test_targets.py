"""A command of targets.yaml on the real stack: submitted over the API, run by a worker process, with its log."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, job_state
from tests.harness.e2e.worker_processes import worker

pytestmark = pytest.mark.usefixtures("stack")
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_command_runs_where_no_pool_is_named_and_gives_its_result(stack_home: Path, tmp_path: Path) -> None:
    body = '{"type": "demo.checksum", "parameters": {"text": "abc"}}'
    job_id = str(tidegate_json(stack_home, "submit", "-", stdin=body)["job_id"])
    with worker(stack_home, tmp_path / "log", "--slots", "1") as running:
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        running.tell(signal.SIGTERM)
        assert running.ended() == 0
    ended = tidegate_json(stack_home, "jobs", "get", job_id)
    assert (ended["pool"], ended["result"]) == ("ecs", {"sha256": ABC, "bytes": 3})
    printed = [line["text"] for line in tidegate_json(stack_home, "jobs", "logs", job_id)["lines"]]
    assert any("read 3 bytes" in line for line in printed)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"type": "demo.checksum", "parameters": {"txt": "abc"}}', "did you mean 'text'?"),
        (
            '{"type": "demo.checksum", "parameters": {"text": "abc"}, "pool": "lambda"}',
            "worker processes: ecs",
        ),
    ],
)
def test_a_submission_that_can_not_run_is_refused(stack_home: Path, body: str, said: str) -> None:
    refused = tidegate(stack_home, "submit", "-", stdin=body)
    assert refused.returncode == 1
    assert said in refused.stderr
