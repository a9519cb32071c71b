"""The emulator's own runtime of functions, which exchanges lines over descriptors 0 and 1 of the job code's process."""

from __future__ import annotations

import io
import sys
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.lambda_runtime import Worker

from tests.harness.processes import importing_environment

_HANDLER = """
import logging
from tests.attack.test_function_process import _executor
from tests.harness.jobs.executors import Beats, assignment

logging.basicConfig(level=logging.INFO)
executor = _executor(give_up_seconds=0.5)

def handler(event, context):
    given = assignment(event["type"], event.get("parameters"), timeout_ms=event.get("timeout_ms", 60_000))
    outcome = executor.execute(given, Beats())
    return [outcome.kind, outcome.result, outcome.message]
"""


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts a function of the emulator that runs jobs."""
    monkeypatch.setenv("PYTHONPATH", importing_environment()["PYTHONPATH"])
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", _HANDLER)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    config = {
        "FunctionName": "worker",
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:worker",
        "Handler": "app.handler",
        "Runtime": version,
        "Timeout": 60,
    }
    made = Worker("worker", config, code.getvalue())
    yield made
    made.kill()


def _invoke(runtime: Any, job_type: str, **event: Any) -> dict[str, Any]:
    answer = runtime.invoke({"type": job_type, **event}, "request-1")
    assert isinstance(answer, dict)
    return answer


def test_bytes_that_are_no_text_break_no_answer(runtime: Any) -> None:
    for _ in range(2):
        answer = _invoke(runtime, "process.read-and-spoil-streams")
        assert answer["status"] == "ok", answer
        assert answer["result"][:2] == ["SUCCEEDED", ""]
    following = _invoke(runtime, "process.print")
    assert following["status"] == "ok", following
    assert "to stdout" in following["log"]


def test_a_process_that_gave_its_job_up_is_replaced_with_the_next_event(runtime: Any) -> None:
    began = time.monotonic()
    stuck = _invoke(runtime, "process.swallow-exceptions", parameters={"amount": 50_000}, timeout_ms=300)
    assert stuck["status"] == "error"
    assert time.monotonic() - began < 25, "the job itself takes fifty seconds"
    assert _invoke(runtime, "process.print")["status"] == "ok"
