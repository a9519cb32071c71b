"""Scenarios of people that cancel jobs, or retry them."""

from __future__ import annotations

from dev.simulator.people.callers import caller_named
from dev.simulator.workflows.graphs import job as job_of
from dev.simulator.workflows.graphs import workflow
from tests.harness.faults.checks import ROUNDS
from tests.harness.faults.deployment import POOL, Deployment
from tests.harness.faults.steps import cut_off, ends_in, give_up_messages, submit, submit_all
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import NotFound, NotRetryable
from tidegate.domain.requests import DependencyRequest
from tidegate.domain.states import TERMINAL, State
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.recover.cancel import cancel_downstream, cancel_workflow
from tidegate.usecases.recover.redrive import redrive_pool
from tidegate.usecases.recover.reopen import rerun_workflow, retry_job

ANN = "ann"
BROKEN = Outcome(OutcomeKind.FAILED, code="broken", message="it broke", retryable=False)
CHAIN = workflow([job_of("a"), job_of("b", "a"), job_of("c", "b")])


def _failed_chain(d: Deployment) -> str:
    """Makes `a` fail at its first attempt, so that the others are skipped. Returns the workflow's id."""
    d.course = ends_in({"a": BROKEN})
    ids = submit_all(d, CHAIN)
    d.settle()
    for _ in range(ROUNDS):
        if d.states["a"] in TERMINAL:
            break
        d.minute()  # the cause of the failure is mended first
    return ids["a"].partition(".")[0]


def retried_by_hand(d: Deployment) -> None:
    """Retries a failed job with the jobs that were skipped for it, including those of a later submission."""
    first = f"{_failed_chain(d)}.0"
    submit(d, "later", depends_on=(DependencyRequest(job_id=first),))
    try:
        d.ask(
            lambda: retry_job(
                d.services, first, reopen_skipped=True, caller=caller_named(ANN), now_ms=d.now_ms
            )
        )
    except NotRetryable:
        assert d.states["a"] is State.SUCCEEDED  # its first attempt was lost, so it never failed
    d.settle()
    d.ask(lambda: d.services.kept_ends.page(POOL, 0, d.now_ms, limit=5))


def rerun(d: Deployment) -> None:
    workflow_id = _failed_chain(d)
    d.ask(lambda: rerun_workflow(d.services, workflow_id, caller=caller_named(ANN), now_ms=d.now_ms))
    d.settle()


def dead_letter(d: Deployment) -> None:
    """Sends a message that no worker can take until its queue gives up, again and again, so that its job fails."""
    submit(d, "dead")
    submit(d, "dead too")
    for _ in range(limits.MAX_DISPATCHES_GIVEN_UP):
        give_up_messages(d)
        d.reap()


def redriven(d: Deployment) -> None:
    """Redrives two jobs whose messages their queue gave up, and the jobs that were skipped for one of them."""
    dead = submit(d, "dead")
    submit(d, "dead too")
    submit(d, "after", depends_on=(DependencyRequest(job_id=dead),))
    for _ in range(limits.MAX_DISPATCHES_GIVEN_UP):
        give_up_messages(d)
        d.reap()
    d.events()
    d.ask(
        lambda: redrive_pool(
            d.services, POOL, cursor=None, limit=50, caller=caller_named(ANN), now_ms=d.now_ms
        )
    )
    d.settle()


def cancelled_whole(d: Deployment) -> None:
    """Cancels a workflow whose roots were not written when its submitter died."""
    cut_off(d, "jobs", "insert_if_absent", CHAIN)
    for submission in d.ask(lambda: d.submissions):
        _cancel_workflow(d, submission.submission_id)


def _cancel_workflow(d: Deployment, workflow_id: str) -> None:
    try:
        d.ask(lambda: cancel_workflow(d.services, workflow_id, caller=caller_named(ANN), now_ms=d.now_ms))
    except NotFound:
        return  # its submitter died before the workflow was accepted


def cancelled_downstream(d: Deployment) -> None:
    upstream = submit(d, "upstream")
    edge = DependencyRequest(job_id=upstream, type=DependencyType.MUST_COMPLETE)
    for name in ("one", "two"):
        submit(d, name, depends_on=(edge,))
    d.ask(lambda: cancel_downstream(d.services, upstream, caller=caller_named(ANN), now_ms=d.now_ms))
