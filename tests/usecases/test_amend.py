"""A caller changes a job while it waits, and every actor goes by the new values."""

from __future__ import annotations

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.usecases.recovering import Workflow, after
from tidegate.domain import limits
from tidegate.domain.amendments import Amendment
from tidegate.domain.errors import InvalidRequest, NotFound, NotWaiting
from tidegate.domain.job import Job, submission_of
from tidegate.domain.states import State
from tidegate.domain.transitions import NoteJudgementIfOpen
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.ports import Reminder
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.dispatch.wake import wake_due
from tidegate.usecases.recover.amend import amend_job

ANN = caller_named("ann")


def amended(workflow: Workflow, key: str, amendment: Amendment) -> Job:
    return amend_job(workflow.services, workflow.ids[key], amendment, caller=ANN, now_ms=workflow.now_ms)


def test_a_ready_job_with_another_priority_goes_first_and_keeps_its_time() -> None:
    workflow = Workflow(dict.fromkeys(("a", "b", "c", "d", "e", "f"), ()))
    before = workflow.job("f")
    assert amended(workflow, "f", Amendment(priority=900)).ready_at_ms == before.ready_at_ms
    tick(workflow.services, now_ms=workflow.now_ms)
    queued = [key for key, state in workflow.states.items() if state is State.QUEUED]
    assert queued == ["a", "b", "c", "f"]


def test_a_pending_job_is_ranked_by_its_new_priority_once_it_is_ready() -> None:
    workflow = Workflow({"a": (), "b": after("a"), "c": after("a"), "d": after("a")})
    amended(workflow, "d", Amendment(priority=500, description="urgent", tags={"team": "data"}))
    workflow.finish("a")
    assert (workflow.job("d").priority, workflow.job("d").description) == (500, "urgent")
    assert workflow.job("d").tags == {"team": "data"}
    assert workflow.job("d").state is State.READY


def test_a_ready_job_that_gets_a_later_time_waits_for_it_and_is_ready_then() -> None:
    workflow = Workflow({"a": ()})
    later_ms = workflow.now_ms + 60_000
    job = amended(workflow, "a", Amendment(not_before_ms=later_ms))
    assert (job.state, job.due_at_ms, job.history[-1].actor) == (State.SCHEDULED, later_ms, "ann")
    assert wake_due(workflow.services, "lambda", later_ms - 1) == ()
    (ready,) = wake_due(workflow.services, "lambda", later_ms)
    assert ready.state is State.READY


def test_a_scheduled_job_whose_time_is_taken_off_is_ready_at_once() -> None:
    workflow = Workflow({"a": ()})
    amended(workflow, "a", Amendment(not_before_ms=workflow.now_ms + 60_000))
    job = amended(workflow, "a", Amendment(not_before_ms=None))
    assert (job.state, job.not_before_ms, job.due_at_ms) == (State.READY, None, None)


def test_a_pending_job_waits_for_its_new_time_after_its_upstreams() -> None:
    workflow = Workflow({"a": (), "b": after("a")})
    amended(workflow, "b", Amendment(not_before_ms=workflow.now_ms + 60_000))
    workflow.finish("a")
    assert workflow.job("b").state is State.SCHEDULED


def test_a_job_in_another_pool_is_ready_there_and_nowhere_else() -> None:
    workflow = Workflow({"a": ()})
    job = amended(workflow, "a", Amendment(pool="ecs"))
    assert (job.state, job.pool) == (State.READY, "ecs")
    waiting = [key[0] for key, entries in workflow.world.index.items() if entries]
    assert waiting == ["ecs"]


def test_a_dispatcher_that_saw_the_job_in_its_old_pool_can_not_dispatch_it() -> None:
    workflow = Workflow({"a": ()})
    seen = workflow.job("a").ready_at_ms or 0
    amended(workflow, "a", Amendment(pool="ecs"))
    assert (amended(workflow, "a", Amendment(pool="lambda")).ready_at_ms or 0) > seen


def test_a_change_that_is_sent_again_writes_nothing() -> None:
    workflow = Workflow({"a": ()})
    amendment = Amendment(priority=7, pool="ecs", not_before_ms=None)
    first = amended(workflow, "a", amendment)
    changes = len(workflow.world.changes)
    assert amended(workflow, "a", amendment) == first
    assert len(workflow.world.changes) == changes


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.SUCCEEDED, State.CANCELLED])
def test_a_job_that_does_not_wait_is_left_as_it_is(state: State) -> None:
    workflow = Workflow({"a": ()})
    if state is State.QUEUED:
        tick(workflow.services, now_ms=workflow.now_ms)
    elif state is State.RUNNING:
        workflow.start("a")
    else:
        workflow.finish("a", state)
    before = workflow.job("a")
    with pytest.raises(NotWaiting, match=f"(is|ended as) {state}"):
        amended(workflow, "a", Amendment(priority=900))
    assert workflow.job("a") == before


def test_a_pool_that_does_not_fit_the_job_is_refused_by_its_field() -> None:
    workflow = Workflow({"a": ()})
    with pytest.raises(InvalidRequest, match=r"pool: unknown pool 'esc'.*did you mean 'ecs'"):
        amended(workflow, "a", Amendment(pool="esc"))
    year_ms = workflow.now_ms + 367 * 86_400_000
    with pytest.raises(InvalidRequest, match="not_before: lies more than 366 days ahead"):
        amended(workflow, "a", Amendment(not_before_ms=year_ms))
    assert workflow.job("a").amended == 0


def test_another_time_to_finish_by_is_judged_anew() -> None:
    workflow = Workflow({"a": ()})
    by_ms = workflow.now_ms + 60_000
    first = amended(workflow, "a", Amendment(finish_by_ms=by_ms))
    (reminder,) = workflow.services.submissions.list_reminders(limit=9)
    assert reminder == Reminder(by_ms, submission_of(first.job_id))
    judgement = Judgement(workflow.now_ms, FinishVerdict.AT_RISK, 0.25)
    judged = workflow.services.jobs.apply(NoteJudgementIfOpen(first, judgement))
    assert amended(workflow, "a", Amendment(finish_by_ms=by_ms)) == judged
    assert amended(workflow, "a", Amendment(finish_by_ms=by_ms + 1)).judgements == ()
    assert amended(workflow, "a", Amendment(finish_by_ms=None)).finish_by_ms is None
    for wrong, said in ((workflow.now_ms, "has passed"), (by_ms, "is not after not_before")):
        with pytest.raises(InvalidRequest, match=f"finish_by: {said}"):
            amended(workflow, "a", Amendment(finish_by_ms=wrong, not_before_ms=by_ms))


def test_a_job_is_changed_a_bounded_number_of_times() -> None:
    workflow = Workflow({"a": ()})
    for number in range(limits.MAX_AMENDMENTS):
        amended(workflow, "a", Amendment(priority=number + 1))
    with pytest.raises(NotWaiting, match="was changed 50 times"):
        amended(workflow, "a", Amendment(priority=900))


def test_a_job_that_is_not_there_is_not_found() -> None:
    workflow = Workflow({"a": ()})
    with pytest.raises(NotFound):
        amend_job(workflow.services, "nothing", Amendment(priority=1), caller=ANN, now_ms=workflow.now_ms)
