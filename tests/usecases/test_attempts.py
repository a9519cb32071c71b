"""A separate count for each question: the fence, the tries, the lost workers, and whether the code has begun."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import NOW_MS
from tests.harness.usecases.recovering import Workflow, after
from tidegate.contracts.responses import job_out
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job
from tidegate.domain.lives import UNBEGUN
from tidegate.domain.rank import RankPolicy
from tidegate.domain.states import State
from tidegate.domain.transitions import NoteDependents, ReadyIfDue, Stamp
from tidegate.ports import Message, Outcome, OutcomeKind, Signal
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.reopen import rerun_workflow, retry_job
from tidegate.usecases.work.claim import Claimed, begin, claim
from tidegate.usecases.work.conclude import conclude, conclude_all, hand_back_of
from tidegate.usecases.work.run import Run, beat

FAILS = Outcome(OutcomeKind.FAILED, code="broken")
HANDED_BACK = Outcome(OutcomeKind.HANDED_BACK)
MUST_START, MUST_COMPLETE = DependencyType.MUST_START, DependencyType.MUST_COMPLETE
LONGER_THAN_A_LEASE_MS = 61_000
RELEASED = (State.READY, State.QUEUED)


def claims(workflow: Workflow, key: str) -> Claimed:
    """Dispatches and claims a READY job, whose code has not begun."""
    workflow.now_ms += 1_000
    claimed = begin(workflow.services, workflow.start(key), workflow.now_ms)
    return replace(claimed, began_at_ms=None)


def ends(workflow: Workflow, key: str, outcome: Outcome) -> Job:
    """Claims a READY job, and begins and ends its code. A job that must wait for its backoff is READY at once."""
    claimed = replace(claims(workflow, key), began_at_ms=workflow.now_ms)
    job = conclude(workflow.services, claimed, outcome, workflow.now_ms)
    assert job is not None
    if job.state is not State.SCHEDULED:
        return job
    workflow.now_ms = max(workflow.now_ms, job.due_at_ms or 0)
    return workflow.services.jobs.apply(ReadyIfDue(job, Stamp(workflow.now_ms, "test")))


@dataclass
class Heard:
    """Returns the records that the stream brought since the last look."""

    workflow: Workflow
    seen: list[Job] = field(default_factory=list)

    def react(self) -> None:
        changes = [change.new for change in self.workflow.world.changes if change.concerns_dispatcher]
        self.workflow.world.changes.clear()
        self.seen = changes
        react(self.workflow.services, changes, now_ms=self.workflow.now_ms)


def run_of(workflow: Workflow, claimed: Claimed) -> Run:
    return Run(workflow.services, StandingClock(workflow.now_ms), claimed.job, lambda: Signal.GO_ON)


# --- interruptions -----------------------------------------------------------------------------------
def test_a_job_that_was_drained_twice_has_all_of_its_retries() -> None:
    workflow = Workflow({"a": ()}, max_retries=2)
    for _ in range(2):
        assert ends(workflow, "a", HANDED_BACK).state is State.READY
    for tries in (1, 2):
        job = ends(workflow, "a", FAILS)
        assert (job.state, job.tries) == (State.READY, tries)
    job = ends(workflow, "a", FAILS)
    assert (job.state, job.tries, job.attempt) == (State.FAILED, 3, 5)


def test_jobs_that_were_claimed_ahead_and_handed_back_unbegun_have_all_of_their_retries() -> None:
    workflow = Workflow({"a": ()}, max_retries=1)
    for _ in range(7):
        claimed = claims(workflow, "a")
        (job,) = conclude_all(workflow.services, [hand_back_of(claimed.job, workflow.now_ms)])
        assert isinstance(job, Job)
        assert (job.state, job.tries, job.was_started) == (State.READY, 0, False)
        assert job.history[-1].reason == UNBEGUN
    assert ends(workflow, "a", FAILS).state is State.READY
    assert ends(workflow, "a", Outcome(OutcomeKind.SUCCEEDED)).state is State.SUCCEEDED


@pytest.mark.parametrize("begun", [True, False])
def test_a_hundred_interruptions_cost_nothing(begun: bool) -> None:
    workflow = Workflow({"a": ()}, max_retries=0)
    fresh = job_out(workflow.job("a"), RankPolicy(), workflow.now_ms)["effective_priority"]
    for number in range(1, 101):
        claimed = claims(workflow, "a")
        claimed = replace(claimed, began_at_ms=workflow.now_ms) if begun else claimed
        job = conclude(workflow.services, claimed, HANDED_BACK, workflow.now_ms)
        assert job is not None
        assert (job.state, job.attempt, job.tries, job.worker_losses) == (State.READY, number, 0, 0)
        assert job_out(job, RankPolicy(), job.ready_at_ms or 0)["effective_priority"] == fresh
        assert len(job.history) <= 1 + 3 * limits.MAX_INTERRUPTIONS_KEPT
        assert job.was_started is begun
    kept = [entry.attempt for entry in workflow.job("a").history if entry.state is State.RUNNING]
    assert kept == [1, *range(102 - limits.MAX_INTERRUPTIONS_KEPT, 101)]
    assert ends(workflow, "a", Outcome(OutcomeKind.SUCCEEDED)).state is State.SUCCEEDED


def test_interruptions_do_not_lengthen_the_backoff() -> None:
    waits = []
    for interruptions in (0, 9):
        workflow = Workflow({"a": ()}, max_retries=3)
        for _ in range(interruptions):
            ends(workflow, "a", HANDED_BACK)
        claimed = replace(claims(workflow, "a"), began_at_ms=workflow.now_ms)
        job = conclude(workflow.services, claimed, FAILS, workflow.now_ms)
        assert job is not None
        waits.append((job.due_at_ms or 0) - workflow.now_ms)
    assert waits[0] == waits[1]


# --- lost workers --------------------------------------------------------------------------------------
def test_a_job_that_ends_its_worker_each_time_comes_to_an_end_whatever_its_retries() -> None:
    workflow = Workflow({"a": ()}, max_retries=25)
    losses = 0
    while workflow.job("a").state is State.READY:
        claims(workflow, "a")
        workflow.now_ms += LONGER_THAN_A_LEASE_MS
        reap(workflow.services, now_ms=workflow.now_ms)
        losses += 1
    job = workflow.job("a")
    assert (losses, job.worker_losses, job.tries) == (limits.MAX_WORKER_LOSSES, limits.MAX_WORKER_LOSSES, 0)
    assert job.state is State.FAILED
    assert job.failure is not None
    assert job.failure.code == "worker-lost"


def test_a_lost_worker_costs_no_retry_and_no_rank() -> None:
    workflow = Workflow({"a": ()}, max_retries=0)
    claimed = claims(workflow, "a")
    workflow.now_ms += LONGER_THAN_A_LEASE_MS
    again = claim(workflow.services, Message(claimed.job.job_id, 0), "other", workflow.now_ms)
    assert again is not None
    assert (again.job.attempt, again.job.worker_losses, again.job.tries) == (2, 1, 0)
    workflow.now_ms += LONGER_THAN_A_LEASE_MS
    reap(workflow.services, now_ms=workflow.now_ms)
    job = workflow.job("a")
    assert (job.state, job.worker_losses, job.tries) == (State.READY, 2, 0)
    assert ends(workflow, "a", Outcome(OutcomeKind.SUCCEEDED)).state is State.SUCCEEDED


# --- a new life ----------------------------------------------------------------------------------------
def test_the_penalty_does_not_outlive_a_manual_retry() -> None:
    workflow = Workflow({"a": ()}, max_retries=10)
    workflow.world.write(replace(workflow.job("a"), priority=150))
    while (job := ends(workflow, "a", FAILS)).state is State.READY:
        points = job_out(job, RankPolicy(), job.ready_at_ms or 0)["effective_priority"]
        assert points == 150 - 10 * job.tries
    assert (job.state, job.tries) == (State.FAILED, 11)
    retry_job(
        workflow.services, job.job_id, reopen_skipped=True, caller=caller_named("ann"), now_ms=workflow.now_ms
    )
    job = workflow.job("a")
    assert (job.state, job.tries, job.attempt) == (State.READY, 0, 11)
    assert job_out(job, RankPolicy(), job.ready_at_ms or 0)["effective_priority"] == 150


# --- the start --------------------------------------------------------------------------------------------
def test_a_claim_starts_nothing_and_the_code_does() -> None:
    workflow = Workflow({"server": (), "client": after("server", kind=MUST_START)})
    heard = Heard(workflow)
    claimed = claims(workflow, "server")
    run = run_of(workflow, claimed)
    heard.react()
    assert run.beats(None) is Signal.GO_ON
    heard.react()
    reap(workflow.services, now_ms=workflow.now_ms + 100_000)
    assert workflow.job("client").state is State.PENDING
    workflow.world.write(claimed.job)
    run.begins()
    heard.react()
    assert workflow.job("client").state in RELEASED
    heard.react()
    assert run.beats(None) is Signal.GO_ON
    heard.react()
    assert heard.seen == [], "a start is told once"


def test_a_start_that_was_not_written_comes_with_the_next_heartbeat() -> None:
    workflow = Workflow({"server": (), "late": ()})
    claimed = claims(workflow, "server")
    run = run_of(workflow, claimed)
    requests = workflow.world.requests["apply"]
    run.begins()
    assert workflow.world.requests["apply"] == requests, "nobody waits for it, so it costs no write"
    later = workflow.submit_after("server", kind=MUST_START)
    assert workflow.world.jobs[later].state is State.PENDING
    heard = Heard(workflow)
    heard.react()
    run.beats(None)
    heard.react()
    assert workflow.world.jobs[later].state in RELEASED


@pytest.mark.parametrize("outcome", [HANDED_BACK, FAILS])
def test_a_job_whose_code_began_stays_started_whatever_follows(outcome: Outcome) -> None:
    workflow = Workflow({"server": (), "client": after("server", kind=MUST_START)}, max_retries=3)
    heard = Heard(workflow)
    job = ends(workflow, "server", outcome)
    assert job.state is State.READY
    assert job.was_started
    heard.react()
    assert workflow.job("client").state in RELEASED


def test_a_job_that_ended_without_its_code_having_begun_never_started() -> None:
    workflow = Workflow({"server": (), "client": after("server", kind=MUST_START)})
    heard = Heard(workflow)
    claimed = claims(workflow, "server")
    ended = conclude(workflow.services, claimed, Outcome(OutcomeKind.CANCELLED), workflow.now_ms)
    assert ended is not None
    heard.react()
    client = workflow.job("client")
    assert client.state is State.SKIPPED
    assert client.failure is not None
    assert client.failure.message.endswith("ended as CANCELLED without ever starting")


def test_on_rerun_a_client_waits_until_its_servers_code_begins_again() -> None:
    edges = {
        "setup": (),
        "server": after("setup", kind=MUST_COMPLETE),
        "client": after("server", kind=MUST_START),
    }
    workflow = Workflow(edges)
    heard = Heard(workflow)
    ends(workflow, "setup", FAILS)
    heard.react()
    claimed = claims(workflow, "server")
    run_of(workflow, claimed).begins()
    begun = workflow.job("server")
    conclude(workflow.services, replace(claimed, began_at_ms=workflow.now_ms), FAILS, workflow.now_ms)
    heard.react()
    ends(workflow, "client", FAILS)
    heard.react()
    rerun_workflow(
        workflow.services, workflow.workflow_id, caller=caller_named("ann"), now_ms=workflow.now_ms
    )
    workflow.world.changes.clear()
    react(workflow.services, [begun], now_ms=workflow.now_ms)  # a late event of the life before
    reap(workflow.services, now_ms=workflow.now_ms + 100_000)
    assert workflow.job("setup").state in RELEASED
    assert [workflow.job(key).state for key in ("server", "client")] == [State.PENDING, State.PENDING]
    ends(workflow, "setup", FAILS)
    heard.react()
    claimed = claims(workflow, "server")
    heard.react()
    assert workflow.job("client").state is State.PENDING, "the server is claimed, no more"
    run_of(workflow, claimed).begins()
    heard.react()
    assert workflow.job("client").state in RELEASED


def test_a_dependent_noted_on_a_job_that_is_known_to_have_begun_follows_at_once() -> None:
    workflow = Workflow({"server": ()})
    claimed = claims(workflow, "server")
    beat(workflow.services, claimed.job, None, workflow.now_ms, began_at_ms=workflow.now_ms)
    later = workflow.submit_after("server", kind=MUST_START)
    assert workflow.world.jobs[later].state in RELEASED


def test_a_beginning_that_can_not_be_written_ends_nothing() -> None:
    workflow = Workflow({"server": ()})
    claimed = claims(workflow, "server")
    workflow.services.jobs.apply(NoteDependents(claimed.job.job_id, watch_start=True))
    watched = replace(claimed, job=workflow.job("server"))
    run = run_of(workflow, watched)
    workflow.world.remove(claimed.job.job_id)
    run.begins()
    assert run.began_at_ms == NOW_MS + 1_000


@pytest.mark.parametrize(("began", "when"), [(True, "before it ran again"), (False, "before it ran")])
def test_a_cancelled_job_says_whether_its_code_had_begun(began: bool, when: str) -> None:
    workflow = Workflow({"a": ()})
    claimed = claims(workflow, "a")
    ran = replace(claimed, began_at_ms=workflow.now_ms if began else None)
    conclude(workflow.services, ran, HANDED_BACK, workflow.now_ms)
    cancelled = cancel_job(
        workflow.services, claimed.job.job_id, caller=caller_named("ann"), now_ms=workflow.now_ms
    )
    assert cancelled.failure is not None
    assert cancelled.failure.message == f"cancelled by ann {when}"
