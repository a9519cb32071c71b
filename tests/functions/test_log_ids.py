"""A line of a function about a job names the job, its attempt and the request, and no other job's line does."""

from __future__ import annotations

import io
import json
import logging
import runpy
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from tests.functions.test_dispatcher import Fixture as Dispatcher
from tests.functions.test_worker import Fixture as Worker
from tests.functions.test_worker import _body
from tests.harness.functions.api_calls import Api, read_event
from tests.harness.tracked import ROOT
from tests.harness.worker.world import queued_job
from tidegate.domain.errors import ServiceUnavailable

Lines = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Returns the lines that were logged since it was last called, by message, as CloudWatch would get them."""
    logger, written = Logger(), io.StringIO()
    logger.clear_state()
    copying = logging.StreamHandler(written)
    copying.setFormatter(logger.registered_formatter)
    named = logging.getLogger(logger.name)
    level = named.level
    named.addHandler(copying)
    named.setLevel(logging.INFO)

    def read() -> dict[str, dict[str, Any]]:
        found = [json.loads(line) for line in written.getvalue().splitlines()]
        written.seek(0)
        written.truncate()
        return {line["message"]: line for line in found}

    yield read
    named.removeHandler(copying)
    named.setLevel(level)
    logger.clear_state()


@pytest.mark.parametrize(
    ("event", "key"), [("api-submit-job", "job_id"), ("api-submit-workflow", "workflow_id")]
)
def test_the_request_that_submits_names_what_it_accepted(lines: Lines, event: str, key: str) -> None:
    api = Api()
    accepted = api.send(read_event(event))
    usage = lines()["usage"]
    assert usage[key] == accepted.body[key]
    assert usage["api_request_id"] == read_event(event)["requestContext"]["requestId"]
    api.send(read_event("api-list-jobs"))
    assert {"job_id", "workflow_id"} & lines()["usage"].keys() == set()


def test_the_dispatcher_names_the_jobs_that_it_dispatched(lines: Lines) -> None:
    fixture = Dispatcher()
    fixture.handle()
    dispatched = lines()["dispatched"]
    assert set(dispatched["job_ids"]) == fixture.delivered()
    assert dispatched["dispatched"] == len(dispatched["job_ids"])


def test_the_lines_of_an_attempt_name_it_and_its_end(lines: Lines) -> None:
    fixture = Worker()
    for job_type, state in (("sample.describe", "SUCCEEDED"), ("sample.refuse", "FAILED")):
        job_id = queued_job(fixture.services, job_type).job_id
        fixture.handle(_body(job_id))
        found = lines()
        for message in ("job taken", "job concluded"):
            assert (found[message]["job_id"], found[message]["attempt"]) == (job_id, 1)
        assert found["job concluded"]["state"] == state
        assert "job_id" not in found["usage"]


def test_an_old_message_concludes_nothing(lines: Lines) -> None:
    fixture = Worker()
    fixture.handle(_body("01JD0000000000000000000000"))
    assert "state" not in lines()["job concluded"]


def test_an_attempt_that_is_not_concluded_names_itself_and_not_the_next_one(lines: Lines) -> None:
    fixture = Worker()
    first, second = (queued_job(fixture.services).job_id for _ in range(2))

    def refuse(request: str) -> None:
        if request in ("apply", "apply_all"):
            raise ServiceUnavailable("no answer")

    fixture.world.on_request = refuse
    fixture.handle(_body(first))
    failed = lines()["job not concluded"]
    assert (failed["job_id"], failed["attempt"], failed["error"]) == (first, 1, "ServiceUnavailable")
    fixture.world.on_request = lambda _: None
    fixture.handle(_body(second))
    assert lines()["job concluded"]["job_id"] == second


@pytest.mark.parametrize(
    ("function", "work"),
    [
        ("api", "answer_in_time"),
        ("dispatcher", "handle"),
        ("reaper", "run_round"),
        ("recorder", "handle"),
        ("worker", "run_records"),
    ],
)
def test_every_line_of_a_run_names_the_run(lines: Lines, function: str, work: str) -> None:
    app = runpy.run_path(str(ROOT / "functions" / function / "app.py"))
    instead = {
        work: lambda *_: Logger().info("worked"),
        "_deployed": lambda: None,
        "worker_name": lambda _: "w",
        "misses_job_code": lambda _: False,
    }
    app["lambda_handler"].__globals__.update(instead)
    app["lambda_handler"]({}, SimpleNamespace(aws_request_id="5f3a"))
    assert lines()["worked"]["function_request_id"] == "5f3a"
