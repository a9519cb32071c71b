"""An approval waits outside until an operator or a named approver decides, and never the submitter alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import HandClock
from tests.harness.functions.api_calls import NOW_MS, SETTINGS, operators
from tests.harness.usecases.handing_over import WORKER
from tidegate.adapters.executors.outcomes import outcome_of
from tidegate.domain.callers import Caller, caller_under
from tidegate.domain.errors import NotAnApproval, NotAnApprover, NotOutside
from tidegate.domain.job import Job, JobFailure, Json
from tidegate.domain.outside_ends import Decision
from tidegate.domain.requests import JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.jobs.attempt import run_attempt
from tidegate.jobs.context import JobContext, StopRequest
from tidegate.jobs.loader import load_registry
from tidegate.ports import Assignment, Begun, Heartbeat, Outcome, Signal, message_of, unheard
from tidegate.usecases.reap.reap_active import reap_active
from tidegate.usecases.recover.mark import Mark, mark_job
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.approve import decide_approval
from tidegate.usecases.work.run import run_message

ROLES = "arn:aws:sts::123456789012:assumed-role"
ANN = caller_under(f"{ROLES}/Schedulers/ann")  # an operator
BEN = caller_under("arn:aws:iam::123456789012:user/ben")
EVE = caller_under("arn:aws:iam::123456789012:user/eve")
YES, NO = Decision(approved=True, comment="checked"), Decision(approved=False, comment="wrong figures")


class RealCode:
    """An executor that runs the code of built-in types in this process."""

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        del heartbeat
        found = load_registry().find(assignment.type)
        assert found is not None
        assert assignment.token is not None
        begun()
        context = JobContext(
            job_id=assignment.job_id,
            attempt=assignment.attempt,
            remaining_seconds=lambda: 60.0,
            report_progress=lambda _: None,
            stop=StopRequest(),
            finish_token=assignment.token.text,
        )
        return outcome_of(run_attempt(found, assignment.parameters, context), Signal.GO_ON)


class Approvals:
    """A deployment in memory with one approval, of which `submitted_by` asks."""

    def __init__(self, submitted_by: Caller = BEN, *, begin: bool = True, **parameters: Json) -> None:
        self.services, self.world = memory_services(
            SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS), load_registry()
        )
        self.world.grants = operators(ANN.subject)
        self.now_ms = NOW_MS
        request = JobRequest(
            type="tidegate.approval",
            parameters={"title": "Publish the figures?", **parameters},
            retry=RetryPolicy(max_retries=2),
        )
        self.job_id = submit_job(
            self.services,
            request,
            idempotency_key=None,
            fingerprint="",
            now_ms=NOW_MS,
            caller=submitted_by,
        ).job_id
        if begin:
            self.begin()

    def begin(self) -> None:
        dispatch = DispatchIfReady(self.job_id, "lambda", Stamp(self.now_ms, "dispatcher"))
        message = message_of(self.services.jobs.apply(dispatch))
        run_message(self.services, RealCode(), HandClock(self.now_ms), message, WORKER)

    def decide(self, caller: Caller, decision: Decision = YES) -> Job:
        return decide_approval(self.services, self.job_id, decision, caller=caller, now_ms=self.now_ms)

    @property
    def job(self) -> Job:
        job = self.services.jobs.get(self.job_id, consistent=True)
        assert job is not None
        return job


def test_an_approval_waits_outside_and_shows_its_title() -> None:
    asked = Approvals(timeout_seconds=86_400)
    assert asked.job.is_outside
    assert asked.job.progress is not None
    assert asked.job.progress.message == "Publish the figures?"
    assert asked.job.lease_expires_at_ms == NOW_MS + 86_400_000


def test_an_operator_approves_and_the_result_says_who() -> None:
    asked = Approvals()
    asked.now_ms += 1_500
    job = asked.decide(ANN)
    assert (job.state, job.history[-1].actor, job.history[-1].reason) == (
        State.SUCCEEDED,
        "ann",
        "approved: checked",
    )
    assert job.result == {
        "approved": True,
        "by": ANN.subject,
        "comment": "checked",
        "at": "2026-12-01T08:00:01.500Z",
    }
    assert asked.decide(ANN) == job


def test_a_rejection_fails_the_job_and_is_not_retried() -> None:
    asked = Approvals()
    job = asked.decide(ANN, NO)
    assert (job.state, job.failure) == (
        State.FAILED,
        JobFailure("rejected", "ann rejected it: wrong figures"),
    )
    assert asked.decide(ANN, NO) == job
    with pytest.raises(NotOutside, match="has ended as FAILED, so there is nothing left to decide"):
        asked.decide(ANN)


def test_a_decision_needs_no_comment() -> None:
    asked = Approvals()
    job = asked.decide(ANN, Decision(approved=False))
    assert job.failure == JobFailure("rejected", "ann rejected it")
    assert job.history[-1].reason == "rejected"


@pytest.mark.parametrize("named", [EVE.subject, EVE.namespace])
def test_a_named_approver_may_decide_and_another_may_not(named: str) -> None:
    asked = Approvals(approvers=[named])
    other = replace(EVE, subject=f"{EVE.subject}l")
    with pytest.raises(NotAnApprover, match="you are no operator, and its parameter approvers does not name"):
        asked.decide(other)
    assert asked.job.is_outside
    assert asked.decide(EVE).state is State.SUCCEEDED


def test_a_role_is_named_by_its_namespace_whatever_the_session() -> None:
    role = caller_under(f"{ROLES}/Leads/zoe")
    assert Approvals(approvers=[role.namespace]).decide(role).state is State.SUCCEEDED


def test_a_role_with_a_path_is_named_by_its_own_arn() -> None:
    """The ARN of a session has no path, so the two never were equal."""
    asked = Approvals(approvers=["arn:aws:iam::123456789012:role/team/data/Leads"])
    for other in (
        f"{ROLES}/Lead/zoe",
        f"{ROLES}/team/Leads",
        "arn:aws:iam::123456789012:user/team/data/Leads",
    ):
        with pytest.raises(NotAnApprover):
            asked.decide(caller_under(other))
    assert asked.decide(caller_under(f"{ROLES}/Leads/zoe")).state is State.SUCCEEDED


def test_a_session_is_named_alone() -> None:
    asked = Approvals(approvers=[f"{ROLES}/Leads/zoe"])
    with pytest.raises(NotAnApprover):
        asked.decide(caller_under(f"{ROLES}/Leads/another"))
    assert asked.decide(caller_under(f"{ROLES}/Leads/zoe")).state is State.SUCCEEDED


def test_the_submitter_alone_may_not_decide_not_even_as_an_operator() -> None:
    for submitter in (BEN, ANN):
        own = Approvals(submitter)
        with pytest.raises(NotAnApprover, match="nobody approves alone what is its own"):
            own.decide(submitter)
        assert own.job.is_outside
    asked = Approvals(ANN)
    other_session = caller_under(f"{ROLES}/Schedulers/another")
    with pytest.raises(NotAnApprover):
        asked.decide(other_session)


def test_the_submitter_may_decide_where_it_is_named() -> None:
    assert Approvals(approvers=[BEN.subject]).decide(BEN).state is State.SUCCEEDED


def test_approvers_in_an_input_that_overflowed_count() -> None:
    asked = Approvals(approvers=[EVE.subject], details="x" * 2_000)
    assert asked.decide(EVE).state is State.SUCCEEDED


def test_an_approval_that_does_not_wait_yet_is_not_decided() -> None:
    asked = Approvals(begin=False)
    with pytest.raises(NotOutside, match="is READY and does not wait for a decision yet"):
        asked.decide(ANN)


def test_only_approvers_mark_an_approval_as_succeeded() -> None:
    def mark(asked: Approvals, caller: Caller, state: State = State.SUCCEEDED) -> State:
        wanted = Mark(state, "done by word of mouth")
        return mark_job(asked.services, asked.job_id, wanted, caller=caller, now_ms=asked.now_ms)[0].state

    waiting, rejected = Approvals(begin=False), Approvals()
    rejected.decide(ANN, NO)
    for asked in (waiting, rejected):
        before = asked.job
        with pytest.raises(NotAnApprover, match="nobody approves alone what is its own"):
            mark(asked, BEN)
        assert asked.job == before
        assert mark(asked, ANN) is State.SUCCEEDED
    assert mark(Approvals(begin=False), BEN, State.SKIPPED) is State.SKIPPED
    assert mark(Approvals(begin=False, approvers=[BEN.subject]), BEN) is State.SUCCEEDED


def test_no_other_job_is_approved() -> None:
    asked = Approvals()
    request = JobRequest(type="tidegate.noop")
    noop = submit_job(asked.services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id
    with pytest.raises(NotAnApproval, match=r"is of type tidegate\.noop, which nobody approves"):
        decide_approval(asked.services, noop, YES, caller=ANN, now_ms=NOW_MS)


def test_an_approval_that_nobody_gives_times_out_by_the_policy() -> None:
    asked = Approvals(timeout_seconds=60)
    asked.now_ms += 60_001
    reap_active(asked.services, asked.now_ms)
    job = asked.job
    assert (job.state, job.failure and job.failure.code) == (State.SCHEDULED, "timed-out")
    with pytest.raises(NotOutside):
        asked.decide(ANN)
