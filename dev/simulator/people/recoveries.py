"""People that cancel, retry, rerun, amend, hold and mark at any time."""

from __future__ import annotations

import random
from collections.abc import Callable

from dev.simulator.people.callers import caller_named
from dev.simulator.system.simulator import API_TIMEOUT_MS, Simulator
from tidegate.domain.amendments import Amendment
from tidegate.domain.errors import AlreadyEnded, NotFound, NotMarkable, NotRetryable, NotWaiting
from tidegate.domain.states import State
from tidegate.usecases.recover.amend import amend_job
from tidegate.usecases.recover.cancel import cancel_downstream, cancel_job, cancel_workflow
from tidegate.usecases.recover.hold import hold_job, unhold_job, unhold_workflow
from tidegate.usecases.recover.mark import Mark, mark_job
from tidegate.usecases.recover.redrive import Redriven, redrive_pool
from tidegate.usecases.recover.reopen import rerun_workflow, retry_job
from tidegate.usecases.recover.rerun import rerun_job
from tidegate.usecases.services import Services

ANN = caller_named("ann")
_AGAIN_MS = 10_000
Act = Callable[[Services, str, int], object]


def _workflow_of(job_id: str) -> str:
    return job_id.partition(".")[0]


ACTS: tuple[Act, ...] = (
    lambda services, job_id, now_ms: cancel_job(services, job_id, caller=ANN, now_ms=now_ms),
    lambda services, job_id, now_ms: cancel_downstream(services, job_id, caller=ANN, now_ms=now_ms),
    lambda services, job_id, now_ms: cancel_workflow(
        services, _workflow_of(job_id), caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: retry_job(
        services, job_id, reopen_skipped=True, caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: retry_job(
        services, job_id, reopen_skipped=False, caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: rerun_workflow(
        services, _workflow_of(job_id), caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: rerun_job(services, job_id, caller=ANN, now_ms=now_ms),
    lambda services, job_id, now_ms: rerun_job(
        services, job_id, caller=ANN, now_ms=now_ms, parameters={}, downstream=False
    ),
    lambda services, job_id, now_ms: amend_job(
        services, job_id, Amendment(priority=900, not_before_ms=now_ms + 20_000), caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: amend_job(
        services, job_id, Amendment(priority=1, not_before_ms=None), caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: hold_job(services, job_id, caller=ANN, now_ms=now_ms),
    lambda services, job_id, now_ms: unhold_job(services, job_id, caller=ANN, now_ms=now_ms),
    lambda services, job_id, now_ms: unhold_workflow(
        services, _workflow_of(job_id), caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: mark_job(
        services, job_id, Mark(State.SUCCEEDED, "by hand"), caller=ANN, now_ms=now_ms
    ),
    lambda services, job_id, now_ms: mark_job(
        services, job_id, Mark(State.SKIPPED, "not needed"), caller=ANN, now_ms=now_ms
    ),
    *[
        lambda services, _job_id, now_ms: redrive_pool(
            services, "lambda", cursor=None, limit=50, caller=ANN, now_ms=now_ms
        )
    ]
    * 2,  # it seldom finds a job, so it is drawn more often
)


def send_people(simulator: Simulator, draw: random.Random, *, acts: int, within_ms: int) -> None:
    """Plans `acts` acts at drawn times, each on a job that is drawn then. Failed acts are not repeated."""
    for _ in range(acts):
        act, place = draw.choice(ACTS), draw.random()

        def happen(act: Act = act, place: float = place) -> None:
            jobs = list(simulator.world.jobs)
            if not jobs:
                return
            job_id = jobs[int(place * len(jobs))]

            def ask() -> None:
                answer = act(simulator.services, job_id, simulator.now_of("api"))
                if isinstance(answer, Redriven):
                    simulator.happened["jobs redriven by people"] += answer.redriven

            try:
                simulator.attempt(ask, API_TIMEOUT_MS)
            except (AlreadyEnded, NotFound, NotMarkable, NotRetryable, NotWaiting):
                return  # it was refused with a message, and nothing was done

        simulator.plan(draw.randrange(within_ms), happen)
    simulator.plan(within_ms, lambda: _unhold_all(simulator, within_ms))


def _unhold_all(simulator: Simulator, at_ms: int) -> None:
    """Takes every job off hold, so that the run can end. Calls that fail are repeated."""
    on_hold = [job.job_id for job in simulator.world.jobs.values() if job.on_hold]
    simulator.happened["jobs taken off hold at last"] += len(on_hold)
    for job_id in on_hold:

        def ask(job_id: str = job_id) -> None:
            unhold_job(simulator.services, job_id, caller=ANN, now_ms=simulator.now_of("api"))

        simulator.attempt(ask, API_TIMEOUT_MS)
    if any(job.on_hold for job in simulator.world.jobs.values()):
        simulator.plan(at_ms + _AGAIN_MS, lambda: _unhold_all(simulator, at_ms + _AGAIN_MS))
