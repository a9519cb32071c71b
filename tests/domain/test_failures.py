"""Failed jobs are grouped by type, code and what their errors say apart from names and numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import SAMPLES
from tidegate.domain.failures import (
    FINGERPRINT,
    MAX_LINE_CHARACTERS,
    MAX_READ_CHARACTERS,
    MAX_SAMPLES,
    STEPS,
    FailedJob,
    failed_job,
    fingerprint_of,
    first_line_of,
    grouped,
    normalised,
)
from tidegate.domain.job import JobFailure
from tidegate.domain.states import State

FAILED = FailedJob("W.1", "W", "load", "raised", "row 1 is broken", "row <number> is broken", 1_000)


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ('no column "total" in `sales`', "no column <text> in <text>"),
        ("KeyError: 'customer'", "KeyError: <text>"),
        ("can't reach the peer, it's gone", "can't reach the peer, it's gone"),
        ("GET https://api.example.com/v1?x=2 failed", "GET <address> failed"),
        ("denied: arn:aws:s3:::data/part", "denied: <address>"),
        ("late since 2026-12-01T08:00:00.123Z", "late since <time>"),
        ("late since 2026-12-01 08:00, by 5 s", "late since <time>, by <number> s"),
        ("no such file: /var/data/in.csv", "no such file: <path>"),
        (r"no such file: C:\data\in.csv, ../a/b", "no such file: <path>, <path>"),
        ("read/write refused", "read/write refused"),
        ("job 01JD3V8Q5S2Y6W9K4M7N0P1R2T.31 gone", "job <id> gone"),
        ("request 123e4567-e89b-12d3-a456-426614174000", "request <id>"),
        ("object at 0x7f3a, digest deadbeef01", "object at <hex>, digest <hex>"),
        ("instance i-0ab12xy9 stopped", "instance <id> stopped"),
        ("feedface and defaced are words", "feedface and defaced are words"),
        ("row42 has 1,024 of -3.5e+10 cells", "row<number> has <number> of <number> cells"),
        ("10.0.0.1:8080 refused", "<number>:<number> refused"),
        ("exit code -9 of  two\tparts", "exit code <number> of two parts"),
        ("", ""),
    ],
)
def test_what_differs_from_job_to_job_is_replaced(line: str, pattern: str) -> None:
    assert normalised(line) == pattern


@pytest.mark.parametrize(
    "values",
    [("'abc'", f"'{'x' * 400}'"), ("/in.csv", "/" + "d/" * 200), ("7", "7" * 420)],
)
def test_a_long_value_leads_to_the_pattern_of_a_short_one(values: tuple[str, str]) -> None:
    first, second = (
        failed_job(
            replace(SAMPLES[State.FAILED], failure=JobFailure("raised", f"no rows in {value} of the input"))
        )
        for value in values
    )
    assert first.fingerprint == second.fingerprint
    assert first.pattern.endswith("> of the input")
    assert len(second.line) == MAX_LINE_CHARACTERS


@pytest.mark.parametrize("mark", ['"', "'", "`"])
def test_a_text_that_is_cut_off_with_its_line_is_a_text_all_the_same(mark: str) -> None:
    long = f"no column {mark}{'row 7 of ' * 100}"
    assert normalised(first_line_of(long)) == "no column <text>"
    assert normalised(f"a {mark}b 7") == f"a {mark}b <number>"


def test_a_pattern_is_cut_before_a_mark_that_does_not_fit() -> None:
    words = "x" * (MAX_LINE_CHARACTERS - 5)
    assert normalised(f"{words} 7 and more") == words
    assert normalised("x" * 400) == "x" * MAX_LINE_CHARACTERS


@pytest.mark.parametrize("part", ["'", '"', "a1", "/", "0x", "0", "a:/", "-", " '", "1a-", "\t"])
def test_a_hostile_line_is_normalised_at_once(part: str) -> None:
    """Each rule reads a line a bounded number of times, so even the worst line ends the test in milliseconds."""
    line = (part * MAX_READ_CHARACTERS)[:MAX_READ_CHARACTERS]
    assert len(normalised(line)) <= MAX_LINE_CHARACTERS


def test_the_first_line_with_text_counts_up_to_a_bound() -> None:
    assert first_line_of("\n  \n  broken \nat line 3") == "broken"
    assert first_line_of("\n") == ""
    assert first_line_of("x" * 1_000) == "x" * MAX_READ_CHARACTERS


def test_a_fingerprint_stands_for_type_code_and_pattern() -> None:
    fingerprint = fingerprint_of("load", "raised", "row <number> is broken")
    assert FINGERPRINT.fullmatch(fingerprint)
    others: list[tuple[str, str | None, str]] = [
        ("save", "raised", "row <number> is broken"),
        ("load", None, "row <number> is broken"),
        ("load", "raised", "row is broken"),
    ]
    assert fingerprint not in [fingerprint_of(*each) for each in others]


def test_a_group_counts_its_jobs_by_time_and_workflow() -> None:
    jobs = [replace(FAILED, job_id=f"W{n % 2}.{n}", workflow_id=f"W{n % 2}", at_ms=n * 100) for n in range(7)]
    jobs.append(replace(FAILED, job_id="A", workflow_id=None, at_ms=2_400))
    (group,) = grouped(jobs, from_ms=0, to_ms=2_400)
    assert (group.type, group.code, group.pattern) == ("load", "raised", "row <number> is broken")
    assert (group.count, group.first_at_ms, group.last_at_ms) == (8, 0, 2_400)
    assert group.over_time == (*[1] * 7, *[0] * (STEPS - 8), 1)
    assert group.job_ids == ("A", "W0.6", "W1.5", "W0.4", "W1.3")
    assert len(group.job_ids) == MAX_SAMPLES
    assert (group.workflow_count, group.workflows) == (2, (("W0", 4), ("W1", 3)))


def test_larger_groups_come_first_and_then_later_ones() -> None:
    jobs = [
        replace(FAILED, type="early", at_ms=1),
        replace(FAILED, type="late", at_ms=9),
        replace(FAILED, type="twice", at_ms=2),
        replace(FAILED, type="twice", job_id="W.2", at_ms=3),
    ]
    assert [group.type for group in grouped(jobs, from_ms=0, to_ms=10)] == ["twice", "late", "early"]


def test_a_listing_keeps_the_first_line_of_a_jobs_error_and_when_it_ended() -> None:
    job = replace(SAMPLES[State.FAILED], failure=JobFailure("raised", "row 1\nTraceback"), finished_at_ms=5)
    assert failed_job(job) == FailedJob(
        job.job_id, job.workflow_id, job.type, "raised", "row 1", "row <number>", 5
    )
    without = failed_job(replace(job, failure=None))
    assert (without.code, without.line) == (None, "")
