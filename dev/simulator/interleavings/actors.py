"""The actors of an interleaving: each is a real use case that gets the world and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dev.simulator.memory.seeded import START_MS
from dev.simulator.people.callers import caller_named
from tidegate.domain.errors import AlreadyEnded, NotWaiting
from tidegate.domain.job import Job
from tidegate.domain.requests import WorkflowRequest
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.reap.reap_active import reap_active
from tidegate.usecases.reap.reap_dead_letters import reap_dead_letters
from tidegate.usecases.reap.reap_pending import reap_pending
from tidegate.usecases.reap.reap_submissions import reap_submissions
from tidegate.usecases.recover.cancel import cancel_job, cancel_workflow
from tidegate.usecases.recover.hold import hold_job, unhold_job
from tidegate.usecases.recover.reopen import retry_job
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_workflow
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import beat

POOL = "p"
# By then leases have ended, messages count as lost, and pending jobs and submissions are past their grace.
LATER_MS = START_MS + 400_000
DONE = Outcome(OutcomeKind.SUCCEEDED)
CLIENT, ANN = caller_named("client"), caller_named("ann")

Act = Callable[[Services], object]


@dataclass(frozen=True, slots=True)
class Worked:
    """The work of a worker: the attempts that it claimed, and those whose outcome was accepted."""

    claimed: tuple[tuple[str, int], ...] = ()
    ended: tuple[tuple[str, int], ...] = ()


def ticks(now_ms: int) -> Act:
    """Runs the dispatcher as a tick does."""
    return lambda services: tick(services, now_ms=now_ms)


def reacts(*jobs: Job, now_ms: int = START_MS) -> Act:
    """Runs the dispatcher as events of these jobs do."""
    return lambda services: react(services, jobs, due={POOL}, now_ms=now_ms)


def reaps(services: Services) -> None:
    """Runs the repairs of the reaper that end, release or dispatch a scene's jobs, when everything is overdue.

    The others write cursors and counts of their own here, and no job. Each of their calls would multiply the orders.
    """
    for repair in (reap_dead_letters, reap_active, reap_submissions, reap_pending):
        repair(services, LATER_MS)


def works(worker_id: str, now_ms: int = START_MS, *, beats: bool = True) -> Act:
    """Runs a worker that takes messages until there are none. Short jobs end before their first heartbeat."""

    def act(services: Services) -> Worked:
        claimed, ended = [], []
        while deliveries := services.queue.receive(POOL, limit=1, wait_seconds=0):
            (delivery,) = deliveries
            mine = claim(services, delivery.message, worker_id, now_ms)
            if mine is not None:
                attempt = (mine.job.job_id, mine.job.attempt)
                claimed.append(attempt)
                if beats:
                    beat(services, mine.job, None, now_ms)
                if conclude(services, mine, DONE, now_ms) is not None:
                    ended.append(attempt)
            services.queue.delete(POOL, [delivery.receipt])
        return Worked(tuple(claimed), tuple(ended))

    return act


def concludes(*claims: Claimed, outcome: Outcome = DONE) -> Act:
    """Runs a slow worker that reports late how its claimed attempts ended."""

    def act(services: Services) -> Worked:
        ended = tuple(
            (mine.job.job_id, mine.job.attempt)
            for mine in claims
            if conclude(services, mine, outcome, LATER_MS) is not None
        )
        return Worked(ended=ended)

    return act


def cancels(*job_ids: str) -> Act:
    """Runs a client that cancels jobs. An answer that one has ended in another way is accepted too."""

    def act(services: Services) -> list[str]:
        answers: list[str] = []
        for job_id in job_ids:
            try:
                answers.append(cancel_job(services, job_id, caller=CLIENT, now_ms=START_MS).state)
            except AlreadyEnded as ended:
                answers.append(ended.state)
        return answers

    return act


def retries(job_id: str) -> Act:
    """Lets a person retry a failed job, with the jobs that were skipped because of it."""
    return lambda services: retry_job(services, job_id, reopen_skipped=True, caller=ANN, now_ms=START_MS)


def cancels_workflow(workflow_id: str) -> Act:
    """Lets a person cancel the rest of a workflow."""
    return lambda services: cancel_workflow(services, workflow_id, caller=ANN, now_ms=START_MS)


def holds_and_unholds(*job_ids: str) -> Act:
    """Lets a person put jobs on hold and take them off it. An answer that one no longer waits is accepted too."""

    def act(services: Services) -> list[str]:
        answers: list[str] = []
        for job_id in job_ids:
            try:
                answers.append(hold_job(services, job_id, caller=ANN, now_ms=START_MS).state)
            except NotWaiting:
                answers.append("too late")
            answers.append(unhold_job(services, job_id, caller=ANN, now_ms=START_MS).state)
        return answers

    return act


def submits(request: WorkflowRequest, now_ms: int) -> Act:
    """Runs a client that submits a workflow under one key."""
    return lambda services: submit_workflow(
        services, request, idempotency_key="key", fingerprint="f", now_ms=now_ms
    )
