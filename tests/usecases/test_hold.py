"""A job on hold waits for nothing else any more, and never becomes READY until it is taken off hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.determined import StandingClock
from tests.harness.usecases.recovering import Workflow, after
from tidegate.domain import limits
from tidegate.domain.amendments import Amendment
from tidegate.domain.errors import InvalidRequest, NotFound, NotWaiting
from tidegate.domain.job import Job
from tidegate.domain.progress import WorkflowState
from tidegate.domain.states import State
from tidegate.domain.transitions import AmendIfWaiting, ReadyIfWaitingOnlyOn, Stamp
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.dispatch.wake import wake_due
from tidegate.usecases.read.progress import get_states
from tidegate.usecases.recover.amend import amend_job
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.hold import (
    OnHold,
    hold_job,
    hold_workflow,
    set_on_hold,
    unhold_job,
    unhold_workflow,
)
from tidegate.usecases.recover.reopen import retry_job

ANN = caller_named("ann")
YEAR_MS = 365 * 86_400_000


def hold(workflow: Workflow, key: str) -> Job:
    return hold_job(workflow.services, workflow.ids[key], caller=ANN, now_ms=workflow.now_ms)


def unhold(workflow: Workflow, key: str) -> Job:
    return unhold_job(workflow.services, workflow.ids[key], caller=ANN, now_ms=workflow.now_ms)


def test_a_ready_job_on_hold_is_not_dispatched_and_not_woken() -> None:
    workflow = Workflow({"a": ()})
    job = hold(workflow, "a")
    assert (job.state, job.on_hold, job.history[-1].reason) == (State.SCHEDULED, True, "put on hold")
    tick(workflow.services, now_ms=workflow.now_ms)
    assert wake_due(workflow.services, "lambda", workflow.now_ms + YEAR_MS) == ()
    assert workflow.job("a").state is State.SCHEDULED


def test_it_is_ready_at_once_when_it_is_taken_off_hold() -> None:
    workflow = Workflow({"a": ()})
    ready_at_ms = workflow.job("a").ready_at_ms or 0
    hold(workflow, "a")
    job = unhold(workflow, "a")
    assert (job.state, job.on_hold) == (State.READY, False)
    assert (job.ready_at_ms or 0) > ready_at_ms  # a permit of the earlier wait is worth nothing


def test_a_pending_job_on_hold_is_judged_and_stays_on_hold_when_its_turn_comes() -> None:
    workflow = Workflow({"a": (), "b": after("a"), "c": after("b")})
    assert hold(workflow, "b").state is State.PENDING
    workflow.finish("a")
    job = workflow.job("b")
    assert (job.state, job.on_hold, job.waiting_on) == (State.SCHEDULED, True, frozenset())
    assert unhold(workflow, "b").state is State.READY


def test_a_pending_job_on_hold_is_skipped_like_any_other() -> None:
    workflow = Workflow({"a": (), "b": after("a")})
    hold(workflow, "b")
    workflow.finish("a", State.FAILED)
    assert (workflow.job("b").state, workflow.job("b").on_hold) == (State.SKIPPED, False)


def test_a_job_keeps_its_time_while_it_is_on_hold() -> None:
    workflow = Workflow({"a": ()})
    later_ms = workflow.now_ms + 60_000
    amend_job(
        workflow.services,
        workflow.ids["a"],
        Amendment(not_before_ms=later_ms),
        caller=ANN,
        now_ms=workflow.now_ms,
    )
    hold(workflow, "a")
    assert wake_due(workflow.services, "lambda", later_ms) == ()
    assert unhold(workflow, "a").due_at_ms == later_ms
    (job,) = wake_due(workflow.services, "lambda", later_ms)
    assert job.state is State.READY


def test_a_release_that_saw_the_job_before_its_hold_leaves_it_on_hold() -> None:
    workflow = Workflow({"a": (), "b": after("a")})
    seen = workflow.job("b")
    hold(workflow, "b")
    release = ReadyIfWaitingOnlyOn(seen, seen.waiting_on, Stamp(workflow.now_ms, "x"))
    job = workflow.services.jobs.apply(release)
    assert (job.state, job.on_hold) == (State.SCHEDULED, True)


def test_a_cancelled_job_is_no_longer_on_hold_and_a_retry_runs() -> None:
    workflow = Workflow({"a": ()})
    hold(workflow, "a")
    cancel_job(workflow.services, workflow.ids["a"], caller=ANN, now_ms=workflow.now_ms)
    assert not workflow.job("a").on_hold
    retry_job(
        workflow.services, workflow.ids["a"], reopen_skipped=True, caller=ANN, now_ms=workflow.now_ms + 1
    )
    assert workflow.job("a").state is State.READY


@pytest.mark.parametrize(
    ("ends", "why"), [(False, "is RUNNING, so it is too late to put it on hold"), (True, "has ended as")]
)
def test_a_job_that_runs_or_has_ended_is_refused(ends: bool, why: str) -> None:
    workflow = Workflow({"a": ()})
    if ends:
        workflow.finish("a")
    else:
        workflow.start("a")
    with pytest.raises(NotWaiting, match=why):
        hold(workflow, "a")
    assert unhold(workflow, "a") == workflow.job("a")


def test_a_job_that_was_changed_too_often_can_be_taken_off_hold_and_not_put_on_it() -> None:
    workflow = Workflow({"a": ()})
    for place in range(limits.MAX_AMENDMENTS):
        workflow.services.jobs.apply(
            AmendIfWaiting(
                workflow.job("a"),
                Amendment(on_hold=place % 2 > 0),
                Stamp(workflow.now_ms, "ann"),
            )
        )
    assert workflow.job("a").on_hold
    assert unhold(workflow, "a").state is State.READY
    with pytest.raises(NotWaiting, match="the most allowed"):
        hold(workflow, "a")


def test_each_act_may_be_repeated() -> None:
    workflow = Workflow({"a": ()})
    assert hold(workflow, "a") == hold(workflow, "a")
    assert unhold(workflow, "a") == unhold(workflow, "a")


def test_jobs_of_others_and_unknown_ones_are_refused() -> None:
    workflow = Workflow({"a": ()})
    with pytest.raises(NotFound):
        hold_job(workflow.services, f"{workflow.workflow_id}.7", caller=ANN, now_ms=workflow.now_ms)


def test_a_workflow_is_put_on_hold_but_for_what_is_dispatched_or_ended() -> None:
    workflow = Workflow({"a": (), "b": (), "c": after("a"), "d": after("c"), "e": ()})
    workflow.finish("a")
    workflow.start("b")
    hold(workflow, "d")
    found = hold_workflow(workflow.services, workflow.workflow_id, caller=ANN, now_ms=workflow.now_ms)
    assert found == OnHold(changed=2, same=1, dispatched=1, ended=1)
    assert [key for key in workflow.ids if workflow.job(key).on_hold] == ["c", "d", "e"]
    found = unhold_workflow(workflow.services, workflow.workflow_id, caller=ANN, now_ms=workflow.now_ms)
    assert (found.changed, found.same) == (3, 0)
    assert workflow.states["c"] is workflow.states["e"] is State.READY


def test_a_workflow_is_held_from_its_first_portion_on_hold_to_its_last_one_off_hold() -> None:
    workflow = Workflow({str(place): () for place in range(450)})

    def word() -> WorkflowState:
        found = get_states(workflow.services, workflow.workflow_id)
        return found.summary.state.shown(on_hold=found.submission.on_hold)

    def act(do: Callable[..., OnHold], *, passed: bool, cursor: str | None = None) -> str | None:
        until = Deadline(StandingClock(2), 1) if passed else NEVER
        call = partial(do, workflow.services, workflow.workflow_id, caller=ANN, now_ms=workflow.now_ms)
        return call(until=until, cursor=cursor).cursor

    assert word() is WorkflowState.RUNNING
    act(unhold_workflow, passed=False)
    assert word() is WorkflowState.RUNNING
    for passed in (True, False):
        act(hold_workflow, passed=passed)
        assert word() is WorkflowState.HELD
    cursor = act(unhold_workflow, passed=True)
    assert word() is WorkflowState.HELD
    act(unhold_workflow, passed=False, cursor=cursor)
    assert word() is WorkflowState.RUNNING


def test_a_workflow_without_a_job_that_waits_is_not_held() -> None:
    workflow = Workflow({"a": ()})
    workflow.start("a")
    hold_workflow(workflow.services, workflow.workflow_id, caller=ANN, now_ms=workflow.now_ms)
    submission = workflow.services.submissions.get(workflow.workflow_id)
    assert submission is not None
    assert not submission.on_hold


def test_a_call_without_time_left_says_how_to_go_on() -> None:
    workflow = Workflow({str(place): () for place in range(450)})

    passed = Deadline(StandingClock(2), 1)  # each call does one portion at least
    first = hold_workflow(
        workflow.services, workflow.workflow_id, caller=ANN, now_ms=workflow.now_ms, until=passed
    )
    assert (first.changed, first.left, first.cursor) == (400, 50, "400")
    rest = hold_workflow(
        workflow.services, workflow.workflow_id, caller=ANN, now_ms=workflow.now_ms, cursor=first.cursor
    )
    assert (rest.changed, rest.left, rest.cursor) == (50, 0, None)
    with pytest.raises(InvalidRequest, match="cursor"):
        hold_workflow(
            workflow.services, workflow.workflow_id, caller=ANN, now_ms=workflow.now_ms, cursor="450"
        )


def test_a_job_that_changes_meanwhile_is_judged_by_what_it_is_now() -> None:
    workflow = Workflow({"a": (), "b": ()})
    stale = workflow.job("a")
    amend_job(workflow.services, workflow.ids["a"], Amendment(priority=7), caller=ANN, now_ms=workflow.now_ms)
    running = workflow.job("b")
    workflow.start("b")
    stamp = Stamp(workflow.now_ms, "ann", "put on hold")
    held, dispatched = set_on_hold(workflow.services, [stale, running], stamp, on_hold=True)
    assert held == replace(workflow.job("a"), on_hold=True)
    assert isinstance(dispatched, Job)
    assert (dispatched.state, dispatched.on_hold) == (State.RUNNING, False)
