"""Scenarios of callers who change, hold, mark and rerun jobs, one by one and in bulk."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.people.callers import caller_named
from dev.simulator.workflows.graphs import job as job_of
from dev.simulator.workflows.graphs import workflow
from tests.harness.faults.deployment import DONE, POOL, Deployment
from tests.harness.faults.steps import submit, submit_all
from tidegate.domain.amendments import Amendment
from tidegate.domain.errors import NotRetryable
from tidegate.domain.job_query import JobQuery
from tidegate.domain.requests import DependencyRequest, JobRequest, ShareRequest
from tidegate.domain.states import State
from tidegate.usecases.recover.amend import amend_job
from tidegate.usecases.recover.foreseen import would_redrive
from tidegate.usecases.recover.hold import hold_job, hold_workflow, unhold_job, unhold_workflow
from tidegate.usecases.recover.in_bulk import Act, Outcome, act_in_bulk
from tidegate.usecases.recover.mark import Mark, mark_job
from tidegate.usecases.recover.rerun import rerun_job
from tidegate.usecases.submit.would_submit import would_submit_job

ANN = caller_named("ann")


def changed(d: Deployment) -> None:
    """A waiting job of a share gets another priority, and is put on hold past its time."""
    job_id = submit(d, "changed", not_before_ms=d.now_ms + 1_000, share=ShareRequest(name="s"))
    d.ask(lambda: amend_job(d.services, job_id, Amendment(priority=900), caller=ANN, now_ms=d.now_ms))
    d.ask(lambda: hold_job(d.services, job_id, caller=ANN, now_ms=d.now_ms))
    d.wait(2_000)
    d.tick()
    d.settle()
    assert d.states["changed"] is State.SCHEDULED, "nothing runs while it is on hold"
    d.ask(lambda: unhold_job(d.services, job_id, caller=ANN, now_ms=d.now_ms))
    d.settle()


def _act_until_none_is_left(d: Deployment, act: Act, waiting: JobQuery) -> None:
    """Repeats an act in bulk, as a caller does who is told that a job was left because a call failed."""
    for _ in range(2):
        acted = d.ask(
            lambda: act_in_bulk(d.services, act, waiting, caller=ANN, now_ms=d.now_ms, priority=900)
        )
        if all(told.outcome is not Outcome.LEFT for told in acted.told):
            return


def changed_in_bulk(d: Deployment) -> None:
    """A workflow is put on hold and taken off it, and so are the waiting jobs of one type, with another priority."""
    ids = submit_all(d, workflow([job_of("a"), job_of("b", "a")]))
    workflow_id = ids["a"].partition(".")[0]
    for act_on in (hold_workflow, unhold_workflow):
        d.ask(partial(act_on, d.services, workflow_id, caller=ANN, now_ms=d.now_ms))
        submission = d.ask(lambda: d.services.submissions.get(workflow_id))
        assert submission is not None
        assert submission.on_hold is (act_on is hold_workflow)
    later = submit(d, "later", not_before_ms=d.now_ms + 1_000)
    waiting = JobQuery(states=(State.SCHEDULED,), type=JOB_TYPE)
    for act in (Act.HOLD, Act.UNHOLD, Act.REPRIORITISE):
        _act_until_none_is_left(d, act, waiting)
    d.ask(lambda: would_redrive(d.services, POOL, cursor=None, limit=10, now_ms=d.now_ms))
    foreseen = JobRequest(type=JOB_TYPE, depends_on=(DependencyRequest(job_id=later),))
    d.ask(lambda: would_submit_job(d.services, foreseen, ANN, d.now_ms))
    d.wait(2_000)
    d.tick()
    d.settle()


def marked(d: Deployment) -> None:
    """A job that waits is marked as succeeded, so the job that waits for it runs."""
    waits = replace(job_of("a"), not_before_ms=d.now_ms + 3_600_000)
    ids = submit_all(d, workflow([waits, job_of("b", "a")]))
    mark = Mark(State.SUCCEEDED, "done by hand")
    d.ask(lambda: mark_job(d.services, ids["a"], mark, caller=ANN, now_ms=d.now_ms))
    d.settle()


def rerun_from_a_job(d: Deployment) -> None:
    """A job that succeeded runs again with other parameters, and the job that follows it as well."""
    d.course = lambda _job: DONE
    ids = submit_all(d, workflow([job_of("a"), job_of("b", "a")]))
    d.settle()
    with suppress(NotRetryable):  # it runs again by the call whose answer was lost, or has not ended
        d.ask(
            lambda: rerun_job(
                d.services, ids["a"], caller=ANN, now_ms=d.now_ms, parameters={"text": "x" * 5_000}
            )
        )
    d.settle()
