"""Workers that can't run their jobs: messages passed on, and the type faults that a pool's function reports."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.faults.deployment import POOL, Deployment
from tests.harness.faults.function import VirtualClock
from tests.harness.faults.steps import submit
from tidegate.domain.errors import ServiceUnavailable
from tidegate.ports import UNKNOWN_TYPE, Delivery, Outcome, OutcomeKind
from tidegate.usecases.pools.capacity import PAUSE_MS
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.conclude_stuck import conclude_stuck
from tidegate.usecases.work.function_faults import FunctionFaults
from tidegate.usecases.work.pass_on import MOST_DELIVERIES, pass_on, with_types
from tidegate.usecases.work.stale_messages import stale_among


def passed_on(d: Deployment) -> None:
    """A message is hidden for others, finally for long, and then its job is taken back."""
    submit(d, "foreign")
    d.events()
    for receives in (1, MOST_DELIVERIES, MOST_DELIVERIES + 1):
        for delivery in _received(d):
            late = replace(delivery, receives=receives)
            try:
                if pass_on(d.services, POOL, late, "old", "old lacks its type", d.now_ms):
                    d.services.queue.delete(POOL, [delivery.receipt])
            except ServiceUnavailable:
                continue  # the message comes again
        d.wait(121_000)
    d.settle()


def refused_by_the_function(d: Deployment) -> None:
    """The function lacks the type of a job and reports it, and a deployment mends it."""
    submit(d, "foreign")
    d.events()
    faults = FunctionFaults()
    lacking = Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE)
    for delivery in _received(d):
        job = d.ask(lambda at=delivery: d.services.jobs.get(at.message.job_id))  # type: ignore[misc]
        if job is not None:
            d.ask(lambda at=job: faults.note(d.services, at, lacking, d.now_ms))  # type: ignore[misc]
    d.wait(2 * PAUSE_MS + 1)
    d.settle()


def given_up_by_the_function(d: Deployment) -> None:
    """The thread beside the job code ends a job whose code does not end."""
    submit(d, "stuck")
    d.events()
    timed_out, clock = Outcome(OutcomeKind.TIMED_OUT), VirtualClock(d.aws)
    for delivery in _received(d):
        claimed = d.ask(lambda at=delivery: claim(d.services, at.message, "function", d.now_ms))  # type: ignore[misc]
        if claimed is not None:
            d.ask(lambda at=claimed: conclude_stuck(d.services, clock, at.assignment, timed_out))  # type: ignore[misc]
    d.wait(121_000)  # the process ended while it held the message, so the message comes again
    d.settle()


def _received(d: Deployment) -> tuple[Delivery, ...]:
    try:
        received = d.services.queue.receive(POOL, limit=10, wait_seconds=0)
        stale = stale_among(d.services, received)
        return tuple(each for each in with_types(d.services, received) if each not in stale)
    except ServiceUnavailable:
        return ()
