"""Lines that job code prints reach the log one by one, with the id of their job, and within a bound."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.attack.test_process_leftovers import make_executor
from tests.harness.attack.isolation import result_of
from tests.harness.jobs.executors import Beats, assignment
from tidegate.adapters.executors.output import CUT, FULL, MAX_ATTEMPT_BYTES, MAX_LINE_BYTES
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.ports import OutcomeKind

PREFIX = "job 01JD.7 attempt 2: "


@pytest.fixture
def executor(caplog: pytest.LogCaptureFixture) -> Iterator[ProcessExecutor]:
    caplog.set_level(logging.INFO, logger="tidegate.output")
    made = make_executor()
    yield made
    made.close()


def _printed(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "tidegate.output"]


def test_each_line_names_its_job_and_attempt(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    result_of(executor, "process.print")
    lines = ["to stdout", "to stderr", "INFO job.code by a logger", "no end of line"]
    assert _printed(caplog) == [PREFIX + line for line in lines]


@pytest.mark.parametrize(
    ("job_type", "line"),
    [
        ("process.print-in-c", "by the C library"),
        ("process.print-by-a-program", "from a program"),
    ],
)
def test_what_others_print_for_it_is_the_jobs_too(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture, job_type: str, line: str
) -> None:
    result_of(executor, job_type)
    assert _printed(caplog) == [PREFIX + line]


def test_bytes_that_are_no_text_are_shown_as_numbers_and_a_long_line_is_cut(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    result_of(executor, "process.print-rubbish")
    assert _printed(caplog) == [
        PREFIX + r"\xff\xfe? no text ?[31m",
        PREFIX + "x" * MAX_LINE_BYTES + CUT,
        PREFIX + "after the long line",
    ]


def test_the_rest_of_too_much_is_left_out_and_the_next_attempt_may_print_again(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    result_of(executor, "process.print-much", {"amount": 10 * MAX_ATTEMPT_BYTES})
    lines = _printed(caplog)
    assert lines[-1] == PREFIX + FULL
    assert len(lines) == MAX_ATTEMPT_BYTES // 100 + 1
    caplog.clear()
    result_of(executor, "process.print-by-a-program")
    assert _printed(caplog) == [PREFIX + "from a program"]


def test_a_job_that_closed_its_streams_spoils_nobody_elses(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    closed = executor.execute(assignment("process.close-streams"), Beats())
    assert closed.kind is OutcomeKind.SUCCEEDED
    assert result_of(executor, "process.print") == closed.result
    assert [line.removeprefix(PREFIX) for line in _printed(caplog)] == [
        "to stdout",
        "to stderr",
        "INFO job.code by a logger",
        "no end of line",
    ]
