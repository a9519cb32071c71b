"""A deployment in memory whose job code hands its attempts over."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.harness.determined import HandClock
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.job import Job
from tidegate.domain.outside import FinishToken, HandedOver
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import (
    Assignment,
    Begun,
    Executor,
    Heartbeat,
    Outcome,
    OutcomeKind,
    message_of,
    unheard,
)
from tidegate.usecases.services import Services
from tidegate.usecases.work.run import run_message

WORKER = "worker-1"


@dataclass(slots=True)
class HandsOver(Executor):
    """An executor whose job code hands every attempt over, and that keeps the assignments."""

    handed: HandedOver
    assignments: list[Assignment] = field(default_factory=list)

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        del heartbeat
        self.assignments.append(assignment)
        begun()
        return Outcome(OutcomeKind.HANDED_OVER, handed_over=self.handed)


def hand_over(
    services: Services, job_id: str, now_ms: int, handed: HandedOver | None = None
) -> tuple[Job, FinishToken]:
    """Dispatches and runs a READY job whose code hands it over; returns it, and the token that its code got."""
    ready = services.jobs.get(job_id, consistent=True)
    assert ready is not None
    queued = services.jobs.apply(DispatchIfReady(job_id, ready.pool, Stamp(now_ms, "dispatcher")))
    executor = HandsOver(handed or HandedOver())
    job = run_message(services, executor, HandClock(now_ms), message_of(queued), WORKER)
    token = executor.assignments[-1].token
    assert job is not None
    assert token is not None
    return job, token


class Outsides(Deployment):
    """A pool whose jobs are handed over by the code that runs them."""

    def hand_over(self, handed: HandedOver | None = None) -> FinishToken:
        """Lets a worker take the next message, whose job is handed over; returns the token."""
        (delivery,) = self.services.queue.receive(POOL, limit=1, wait_seconds=0)
        executor = HandsOver(handed or HandedOver())
        run_message(self.services, executor, HandClock(self.now_ms), delivery.message, WORKER)
        self.services.queue.delete(POOL, [delivery.receipt])
        token = executor.assignments[-1].token
        assert token is not None
        return token

    def start(self, handed: HandedOver | None = None, **fields: object) -> FinishToken:
        """Submits a job, dispatches it and hands it over; returns its token."""
        self.submit(1, **fields)
        self.react()
        return self.hand_over(handed)

    def outside(self, token: FinishToken) -> Job:
        """Returns the token's job, which must be outside."""
        job = self.job(token.job_id)
        assert job.is_outside, job
        return job
