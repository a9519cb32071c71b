"""Cancelling a workflow, and everything downstream of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.people.callers import caller_named
from tests.harness.usecases.recovering import NOOP, Workflow, after, chain
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import NotFound, ServiceUnavailable, TooFarDownstream
from tidegate.domain.job import Job
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.states import State
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import ReopenIfEnded, Stamp, Transition
from tidegate.ports import Assignment, Outcome, OutcomeKind, TransitionOutcome
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.reap.reap_submissions import GRACE_MS
from tidegate.usecases.recover import cancel
from tidegate.usecases.recover.cancel import Cancelled, cancel_downstream, cancel_workflow
from tidegate.usecases.recover.reopen import rerun_workflow
from tidegate.usecases.release import downstream
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.claim import Claimed
from tidegate.usecases.work.conclude import conclude

ACTOR = "ann"
WIDE = {
    "done": (),
    "runs": after("done"),
    "waits": after("runs"),
    "whatever": after("waits", kind=DependencyType.MUST_COMPLETE),
    "beside": (),
}


def half_way() -> Workflow:
    workflow = Workflow(WIDE)
    workflow.finish("done")
    workflow.start("runs")
    return workflow


def test_a_cancelled_workflow_stops_whatever_has_not_ended() -> None:
    workflow = half_way()
    found = cancel_workflow(
        workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert found == Cancelled(cancelled=3, asked=1, ended=1)
    assert workflow.states == {
        "done": State.SUCCEEDED,
        "runs": State.RUNNING,
        "waits": State.CANCELLED,
        "whatever": State.CANCELLED,
        "beside": State.CANCELLED,
    }
    running = workflow.job("runs")
    assert (running.cancel_requested_at_ms, running.cancel_requested_by) == (workflow.now_ms, ACTOR)
    assert workflow.job("waits").history[-1].actor == ACTOR
    again = cancel_workflow(
        workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert again == Cancelled(cancelled=0, asked=1, ended=4)
    reap(workflow.services, now_ms=workflow.now_ms + 90_000)
    assert workflow.job("runs").state is State.CANCELLED, "by force, once the grace period was over"
    assert workflow.job("runs").history[-1].reason == "asked for by ann, grace period over"


@pytest.mark.parametrize("outcome", [Outcome(OutcomeKind.CANCELLED), Outcome(OutcomeKind.HANDED_BACK)])
def test_the_history_names_who_had_a_running_job_stopped(outcome: Outcome) -> None:
    workflow = Workflow({"a": ()})
    claimed = Claimed(workflow.start("a"), Assignment(workflow.ids["a"], 1, NOOP, {}, 0), workflow.now_ms)
    cancel_workflow(
        workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    conclude(workflow.services, claimed, outcome, workflow.now_ms)
    last = workflow.job("a").history[-1]
    assert (last.state, last.actor, last.reason) == (State.CANCELLED, "w", "asked for by ann")


def test_everything_downstream_is_cancelled_whatever_the_dependency() -> None:
    workflow = half_way()
    later = workflow.submit_after("whatever")
    job, others = cancel_downstream(
        workflow.services, workflow.ids["runs"], caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert (job.state, job.cancel_requested_at_ms) == (State.RUNNING, workflow.now_ms)
    assert others == Cancelled(cancelled=3, asked=0, ended=0)
    assert workflow.states["beside"] is State.READY
    assert workflow.world.jobs[later].state is State.CANCELLED


def test_a_job_that_has_ended_may_have_open_ones_downstream() -> None:
    workflow = half_way()
    job, others = cancel_downstream(
        workflow.services, workflow.ids["done"], caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert job.state is State.SUCCEEDED
    assert others == Cancelled(cancelled=2, asked=1, ended=0)


def test_jobs_that_came_to_wait_on_it_after_it_had_ended_are_found_too() -> None:
    workflow = half_way()
    workflow.finish("beside", State.FAILED)
    edge = DependencyRequest(job_id=workflow.ids["beside"], type=DependencyType.MUST_COMPLETE)
    request = JobRequest(type=NOOP, depends_on=(edge,))
    later = submit_job(
        workflow.services, request, idempotency_key=None, fingerprint="", now_ms=workflow.now_ms
    )
    _, others = cancel_downstream(
        workflow.services, workflow.ids["beside"], caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert others.cancelled == 1
    assert workflow.world.jobs[later.job_id].state is State.CANCELLED


def test_more_downstream_than_one_call_can_find_is_refused_and_nothing_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(downstream, "LAYERS_AT_MOST", 2)
    workflow = Workflow(chain(*"abcdef"))
    before = workflow.states
    with pytest.raises(TooFarDownstream, match="more than 2 jobs"):
        cancel_downstream(
            workflow.services, workflow.ids["a"], caller=caller_named(ACTOR), now_ms=workflow.now_ms
        )
    assert workflow.states == before


def test_a_workflow_whose_roots_are_not_written_yet_is_cancelled_whole() -> None:
    workflow = Workflow(WIDE)
    submission = workflow.world.submissions[workflow.workflow_id]
    workflow.world.submissions[workflow.workflow_id] = replace(submission, phase=Phase.COMMITTED)
    workflow.world.remove(workflow.ids["beside"])
    cancel_workflow(
        workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert set(workflow.states.values()) == {State.CANCELLED}
    reap(workflow.services, now_ms=workflow.now_ms + GRACE_MS + 1)
    assert set(workflow.states.values()) == {State.CANCELLED}


def test_jobs_that_change_meanwhile_are_cancelled_in_their_new_state() -> None:
    workflow = Workflow({"a": (), "b": ()})
    writes = count()

    def start_first(request: str) -> None:
        if request == "apply_all" and next(writes) == 0:
            workflow.start("a")

    workflow.world.on_request = start_first
    found = cancel_workflow(
        workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert found == Cancelled(cancelled=1, asked=1, ended=0)


def test_a_job_that_keeps_moving_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel, "_TRIES", 0)
    workflow = Workflow({"a": ()})
    with pytest.raises(ServiceUnavailable, match="kept changing"):
        cancel_workflow(
            workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
        )


class RetriedAtOnce(MemoryJobStore):
    """Shows cancelled jobs as somebody left them who retried them: the answer to the cancellation was late."""

    def apply_all(self, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
        stamp = Stamp(self._world.now_ms, "bob")
        outcomes = super().apply_all(transitions)
        cancelled = [job for job in outcomes if isinstance(job, Job) and job.state is State.CANCELLED]
        again = {job.job_id: self.apply(ReopenIfEnded(job, stamp)) for job in cancelled}
        return [again.get(job.job_id, job) if isinstance(job, Job) else job for job in outcomes]


def test_jobs_that_were_tried_again_since_they_were_cancelled_count_as_cancelled() -> None:
    workflow = half_way()
    services = replace(workflow.services, jobs=RetriedAtOnce(workflow.world))
    found = cancel_workflow(
        services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    assert found == Cancelled(cancelled=3, asked=1, ended=1)


def test_what_can_not_be_reached_keeps_no_other_from_being_cancelled() -> None:
    workflow = Workflow({str(place): () for place in range(26)})
    batches = count()

    def refuse_one(request: str) -> None:
        if request == "apply_all" and next(batches) == 0:
            raise ServiceUnavailable("refused for load")

    workflow.world.on_request = refuse_one
    with pytest.raises(ServiceUnavailable, match="load"):
        cancel_workflow(
            workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
        )
    assert list(workflow.states.values()).count(State.CANCELLED) == 1


class OldReads(MemoryJobStore):
    """Shows the jobs as they were a moment ago, unless the read is consistent."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self._old = dict(world.jobs)

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        now = super().get_many(job_ids, consistent=consistent)
        return now if consistent else {job_id: self._old[job_id] for job_id in now}


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_rerun_a_moment_ago_is_not_taken_for_ended(whole: bool) -> None:
    workflow = Workflow(chain("a", "b"))
    workflow.finish("a", State.FAILED)
    services = replace(workflow.services, jobs=OldReads(workflow.world))
    rerun_workflow(services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms)
    assert workflow.states == {"a": State.READY, "b": State.PENDING}
    if whole:
        cancel_workflow(services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms)
    else:
        cancel_downstream(services, workflow.ids["a"], caller=caller_named(ACTOR), now_ms=workflow.now_ms)
    assert set(workflow.states.values()) == {State.CANCELLED}


def test_an_unknown_workflow_is_not_found() -> None:
    workflow = Workflow({"a": ()})
    with pytest.raises(NotFound):
        cancel_workflow(workflow.services, "X", caller=caller_named(ACTOR), now_ms=0)
