"""The invariants of a deployment at rest, whatever failed before."""

from __future__ import annotations

from dev.simulator.checks.invariants import check_histories, check_order, check_submissions
from tests.harness.faults.deployment import Deployment
from tidegate.adapters.dynamodb import schema
from tidegate.domain.submission import DONE_WITH

ROUNDS = 3


def bring_to_rest(deployment: Deployment) -> int:
    """Runs ticks until everything has ended. Returns how many rounds that took, at most three."""
    deployment.settle()
    for rounds in range(ROUNDS + 1):
        if _is_at_rest(deployment):
            return rounds
        if rounds < ROUNDS:
            deployment.minute()
    raise AssertionError(f"not at rest after {ROUNDS} rounds of the schedule: {deployment.states}")


def _is_at_rest(deployment: Deployment) -> bool:
    return all(job.is_terminal for job in deployment.jobs.values()) and all(
        submission.phase in DONE_WITH for submission in deployment.submissions
    )


def check_all(deployment: Deployment) -> None:
    """Checks every invariant of a deployment at rest."""
    jobs = deployment.jobs
    check_histories(jobs.values())
    check_order(deployment)
    check_submissions(jobs, deployment.submissions)
    control = deployment.aws.items(deployment.tables.control)
    held = [item for item in control if item.get(schema.HOLDERS, {}).get("SS")]
    assert not held, f"permits are still held: {held}"
