"""Jobs that are handed over: one is finished, one fails, one falls silent, one is cancelled, and one is approved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from dev.simulator.people.callers import caller_named
from tests.harness.faults.deployment import HANDED_TYPE, MINUTE_MS, Deployment
from tests.harness.faults.steps import cancel, ends_in, submit
from tidegate.domain.errors import NotOutside
from tidegate.domain.job import Progress
from tidegate.domain.outside import APPROVAL_TYPE, HandedOver
from tidegate.domain.outside_ends import Decision, FailedOutside, SucceededOutside
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.work.approve import decide_approval
from tidegate.usecases.work.outside import beat_outside, finish_outside

ANN = caller_named("ann")
HANDED = Outcome(OutcomeKind.HANDED_OVER, handed_over=HandedOver(timeout_seconds=3_600, lease_seconds=50))


def finished_outside(d: Deployment) -> None:
    """Two jobs of one key are told about in time: one ends well, the other fails and runs again."""
    good = submit(d, "good", type=HANDED_TYPE, concurrency_key="k", concurrency_limit=2)
    bad = submit(d, "bad", type=HANDED_TYPE, concurrency_key="k", concurrency_limit=2)
    d.course = ends_in({"good": HANDED, "bad": HANDED})
    d.settle()
    _tell(d, lambda token: beat_outside(d.services, good, token, Progress(0.5), now_ms=d.now_ms), good)
    _finish(d, good, SucceededOutside("done"))
    _finish(d, bad, FailedOutside("broken", "outside"))
    d.settle()
    d.minute()


def left_outside(d: Deployment) -> None:
    """Nobody tells of one job, so the reaper takes it back. The other is cancelled while it is outside."""
    submit(d, "silent", type=HANDED_TYPE)
    dropped = submit(d, "dropped", type=HANDED_TYPE)
    d.course = ends_in({"silent": HANDED, "dropped": HANDED})
    d.settle()
    cancel(d, dropped)
    d.settle()
    d.wait(MINUTE_MS)
    d.reap()
    d.minute()


def approved(d: Deployment) -> None:
    """A job waits for a decision, which is made twice."""
    job_id = submit(
        d, "asked", type=APPROVAL_TYPE, parameters={"title": "Publish?", "approvers": [ANN.subject]}
    )
    d.course = ends_in({"asked": HANDED})
    d.settle()
    for _ in range(2):
        with suppress(NotOutside):
            d.ask(
                lambda: decide_approval(
                    d.services, job_id, Decision(approved=True), caller=ANN, now_ms=d.now_ms
                )
            )
    d.settle()


def _finish(d: Deployment, job_id: str, outcome: SucceededOutside | FailedOutside) -> None:
    _tell(
        d,
        lambda token: finish_outside(d.services, job_id, token, outcome, caller=ANN, now_ms=d.now_ms),
        job_id,
    )


def _tell(d: Deployment, call: Callable[[str], object], job_id: str) -> None:
    """Lets the outside tell something until it gets an answer. A job that was never handed over has no token out."""
    token = d.tokens.get(job_id)
    if token is not None:
        with suppress(NotOutside):
            d.ask(lambda: call(token))
