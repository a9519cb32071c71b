"""The order check finds every illegal order, and reports no legal one."""

from __future__ import annotations

import pytest

from tests.harness.cli.samples import job
from tidegate.domain.dependency import DependencyType
from tidegate_cli.following.order_check import check_order
from tidegate_cli.views import format_time

MUST_START, MUST_COMPLETE = DependencyType.MUST_START, DependencyType.MUST_COMPLETE
MUST_SUCCEED, CONDITIONAL = DependencyType.MUST_SUCCEED, DependencyType.CONDITIONAL


@pytest.mark.parametrize(
    ("kind", "upstream_state", "downstream_started", "legal"),
    [
        (MUST_START, "SUCCEEDED", 1.0, True),
        (MUST_START, "SUCCEEDED", 0.9, False),
        (MUST_START, "FAILED", 1.0, True),
        (MUST_COMPLETE, "FAILED", 2.0, True),
        (MUST_COMPLETE, "FAILED", 1.9, False),
        (MUST_SUCCEED, "SUCCEEDED", 2.0, True),
        (MUST_SUCCEED, "SUCCEEDED", 1.9, False),
        (MUST_SUCCEED, "FAILED", 3.0, False),
        (MUST_SUCCEED, "TIMED_OUT", 3.0, False),
        (CONDITIONAL, "FAILED", 2.0, True),
        (CONDITIONAL, "SUCCEEDED", 1.9, False),
    ],
)
def test_a_start_is_legal_only_after_its_dependency_was_satisfied(
    kind: DependencyType, upstream_state: str, downstream_started: float, legal: bool
) -> None:
    upstream = job(0, upstream_state, started=1.0, finished=2.0)
    downstream = job(1, started=downstream_started, finished=9.0, upstreams=[(0, kind)])
    violations = check_order([upstream, downstream])
    assert (not violations) is legal
    assert all((found.job, found.upstream, found.type) == ("k1", "k0", kind) for found in violations)


@pytest.mark.parametrize("kind", [MUST_COMPLETE, MUST_SUCCEED, CONDITIONAL])
def test_a_start_while_the_upstream_still_runs_is_illegal(kind: DependencyType) -> None:
    upstream = job(0, "RUNNING", started=1.0)
    downstream = job(1, "RUNNING", started=2.0, upstreams=[(0, kind)])
    assert len(check_order([upstream, downstream])) == 1


def test_must_start_on_an_upstream_that_never_started_is_illegal() -> None:
    upstream = job(0, "CANCELLED", finished=1.0)
    downstream = job(1, started=2.0, finished=3.0, upstreams=[(0, MUST_START)])
    assert "although its upstream is CANCELLED" in str(check_order([upstream, downstream])[0])


def test_a_claim_alone_is_no_start() -> None:
    upstream = job(0, "CANCELLED", started=1.0, finished=2.0, began_at=None)
    skipped = job(1, "SKIPPED", finished=2.0, upstreams=[(0, MUST_START)])
    assert check_order([upstream, skipped]) == []
    ran = job(1, started=2.0, finished=3.0, upstreams=[(0, MUST_START)])
    assert len(check_order([upstream, ran])) == 1


def test_a_retried_upstream_counts_from_its_first_start() -> None:
    history = [{"at": format_time(1_800_000_001_000), "state": "RUNNING", "attempt": 1, "actor": "w"}]
    upstream = job(0, started=5.0, finished=6.0, attempt=2, history=history)
    downstream = job(1, started=2.0, finished=3.0, upstreams=[(0, MUST_START)])
    assert check_order([upstream, downstream]) == []


def test_a_retried_downstream_counts_from_its_first_start_too() -> None:
    history = [{"at": format_time(1_800_000_001_000), "state": "RUNNING", "attempt": 1, "actor": "w"}]
    upstream = job(0, started=1.0, finished=2.0)
    downstream = job(1, started=5.0, finished=6.0, attempt=2, history=history, upstreams=[(0, MUST_SUCCEED)])
    assert len(check_order([upstream, downstream])) == 1


def test_skew_between_clocks_can_be_allowed_for() -> None:
    jobs = [
        job(0, started=1.0, finished=2.0),
        job(1, started=1.99, finished=3.0, upstreams=[(0, MUST_SUCCEED)]),
    ]
    assert check_order(jobs)
    assert check_order(jobs, clock_skew_ms=10) == []


def test_a_skip_needs_a_reason() -> None:
    upstream = job(0, started=1.0, finished=2.0)
    skipped = job(1, "SKIPPED", finished=3.0, upstreams=[(0, MUST_SUCCEED)])
    assert "no dependency is unsatisfiable" in str(check_order([upstream, skipped])[0])
    failed = job(0, "FAILED", started=1.0, finished=2.0)
    assert check_order([failed, skipped]) == []
    conditional = job(1, "SKIPPED", finished=3.0, upstreams=[(0, CONDITIONAL)])
    assert check_order([upstream, conditional]) == []


def test_dependencies_on_other_submissions_are_left_out() -> None:
    elsewhere = [{"job_id": "01JD0000000000000000000000", "type": "MUST_SUCCEED"}]
    assert check_order([job(0, started=1.0, finished=2.0, depends_on=elsewhere)]) == []
