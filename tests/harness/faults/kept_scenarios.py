"""Scenarios of jobs that are kept because others still need them."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.faults.deployment import DONE, MINUTE_MS, Deployment
from tests.harness.faults.steps import submit
from tidegate.domain.requests import DependencyRequest

RETENTION_DAYS = 1 / 144  # ten minutes
LARGE = {"text": "x" * 5_000}


def kept_for_others(d: Deployment) -> None:
    """A large result is kept first for a new submission, then for a job that waits for long."""
    d.course = lambda _job: replace(DONE, result=LARGE)
    upstream = submit(d, "upstream")
    d.settle()
    d.wait(9 * MINUTE_MS + 30_000)
    late = submit(d, "late", not_before_ms=d.now_ms + 20 * MINUTE_MS)
    submit(d, "after", depends_on=tuple(DependencyRequest(job_id=job_id) for job_id in (upstream, late)))
    d.settle()
    d.wait(9 * MINUTE_MS + 30_000)
    d.reap()
    d.wait(11 * MINUTE_MS)
    d.tick()
    d.settle()
