"""Claims and endings of many jobs go in one request, each with its own outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.batch_store import BatchStore
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, RequestCancelIfRunning, Stamp
from tidegate.ports import Message, Outcome, OutcomeKind
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.claim import Claimed, begin, claim, claim_all
from tidegate.usecases.work.conclude import Conclusion, conclude, conclude_all, conclusion_of, hand_back_of

STAMP = Stamp(NOW_MS, "test")
SUCCEEDED = Outcome(OutcomeKind.SUCCEEDED, result=7)
LATER_MS = NOW_MS + 40


class World:
    def __init__(self) -> None:
        services, self.memory = memory_services(SETTINGS, MemoryWorld())
        self.store = BatchStore(self.memory)
        self.services: Services = replace(services, jobs=self.store)

    def queued(self, jobs: int) -> list[Message]:
        return [self._queued() for _ in range(jobs)]

    def _queued(self) -> Message:
        request = JobRequest(type="tidegate.noop")
        accepted = submit_job(self.services, request, idempotency_key=None, fingerprint="f", now_ms=NOW_MS)
        self.store.apply(DispatchIfReady(accepted.job_id, SETTINGS.default_pool, STAMP))
        return Message(accepted.job_id, 0)

    def claimed(self, jobs: int) -> list[Claimed]:
        found = claim_all(self.services, self.queued(jobs), "w", NOW_MS)
        self.store.batches.clear()
        return [begin(self.services, job, LATER_MS) for job in found if isinstance(job, Job)]

    def conclusions(self, claimed: Sequence[Claimed], *outcomes: Outcome) -> list[Conclusion]:
        made = [
            conclusion_of(self.services, one, outcome, LATER_MS + 5)
            for one, outcome in zip(claimed, outcomes, strict=True)
        ]
        return [one for one in made if one is not None]

    def job(self, job_id: str) -> Job:
        return self.memory.jobs[job_id]


@pytest.fixture
def world() -> World:
    return World()


def test_many_claims_are_one_request_with_outcomes_in_order(world: World) -> None:
    messages = world.queued(4)
    stale = replace(messages[1], attempt=3)
    asked = [messages[0], stale, Message("01JD0000000000000000000000", 0), messages[2], messages[3]]
    world.store.unavailable = {messages[2].job_id}
    outcomes = claim_all(world.services, asked, "w", NOW_MS)
    assert world.store.batches == [("claim", 5)]
    first, second, third, fourth, fifth = outcomes
    assert isinstance(first, Job)
    assert (first.job_id, first.state, first.attempt, first.worker_id) == (
        messages[0].job_id,
        State.RUNNING,
        1,
        "w",
    )
    assert (second, third) == (None, None)
    assert isinstance(fourth, ServiceUnavailable)
    assert isinstance(fifth, Job)
    assert world.job(messages[1].job_id).state is State.QUEUED
    assert world.job(messages[2].job_id).state is State.QUEUED


def test_of_doubled_messages_the_latest_claims_once(world: World) -> None:
    (message,) = world.queued(1)
    stale = replace(message, attempt=-1)
    outcomes = claim_all(world.services, [stale, message, message, stale], "w", NOW_MS)
    assert [isinstance(outcome, Job) for outcome in outcomes] == [False, True, False, False]
    assert world.store.batches == [("claim", 1)]
    assert world.job(message.job_id).attempt == 1


def test_a_claim_that_was_refused_for_good_is_not_taken_for_a_stale_message(world: World) -> None:
    (message,) = world.queued(1)
    world.store.error = ServiceRefused("the table is gone")
    world.store.unavailable = {message.job_id}
    assert claim_all(world.services, [message], "w", NOW_MS) == [world.store.error]
    with pytest.raises(ServiceRefused):
        claim(world.services, message, "w", NOW_MS)


def test_a_message_whose_worker_was_lost_claims_again_with_the_next_attempt(world: World) -> None:
    lost, held, fresh = world.queued(3)
    claim_all(world.services, [lost], "w1", NOW_MS - SETTINGS.lease_ms - 1)
    claim_all(world.services, [held], "w1", NOW_MS)
    world.store.batches.clear()
    outcomes = claim_all(world.services, [lost, held, fresh], "w2", NOW_MS)
    assert world.store.batches == [("claim", 3), ("claim again", 1)]
    attempts = [(one.attempt, one.worker_id) if isinstance(one, Job) else None for one in outcomes]
    assert attempts == [(2, "w2"), None, (1, "w2")]


def test_no_message_is_no_request(world: World) -> None:
    assert claim_all(world.services, [], "w", NOW_MS) == []
    assert conclude_all(world.services, []) == []
    assert world.store.batches == []


def test_one_claim_alone_raises_what_a_batch_would_say(world: World) -> None:
    (message,) = world.queued(1)
    world.store.unavailable = {message.job_id}
    with pytest.raises(ServiceUnavailable):
        claim(world.services, message, "w", NOW_MS)
    world.store.unavailable = set()
    claimed = claim(world.services, message, "w", NOW_MS)
    assert claimed is not None
    assert claim(world.services, message, "w", NOW_MS) is None
    world.store.unavailable = {message.job_id}
    with pytest.raises(ServiceUnavailable):
        conclude(world.services, claimed, SUCCEEDED, LATER_MS)


def test_many_conclusions_are_one_request_and_one_failure_touches_no_other(world: World) -> None:
    claimed = world.claimed(6)
    failed = Outcome(OutcomeKind.FAILED, code="broken", message="no", retryable=False)
    outcomes = (
        SUCCEEDED,
        failed,
        Outcome(OutcomeKind.FAILED),
        Outcome(OutcomeKind.HANDED_BACK),
        SUCCEEDED,
        SUCCEEDED,
    )
    conclusions = world.conclusions(claimed, *outcomes)
    world.store.unavailable = {claimed[4].job.job_id}
    lost = claimed[5].job
    world.memory.write(replace(lost, attempt=2))
    found = conclude_all(world.services, conclusions)
    assert world.store.sizes("finish") == [6]
    states = [job.state for job in found if isinstance(job, Job)]
    assert states == [State.SUCCEEDED, State.FAILED, State.SCHEDULED, State.READY]
    assert isinstance(found[4], ServiceUnavailable)
    assert found[5] is None
    assert world.job(lost.job_id).state is State.RUNNING


def test_what_a_cancellation_refused_is_followed_up_together(world: World) -> None:
    claimed = world.claimed(4)
    for one in claimed[:2]:
        world.store.apply(RequestCancelIfRunning(one.job, STAMP))
    retry = Outcome(OutcomeKind.FAILED)
    conclusions = [
        *world.conclusions(claimed[:1], retry),
        hand_back_of(claimed[1].job, LATER_MS),
        *world.conclusions(claimed[2:], retry, SUCCEEDED),
    ]
    found = conclude_all(world.services, conclusions)
    assert [job.state for job in found if isinstance(job, Job)] == [
        State.CANCELLED,
        State.CANCELLED,
        State.SCHEDULED,
        State.SUCCEEDED,
    ]
    assert [size for _, size in world.store.batches] == [4, 2]


def test_a_large_result_is_stored_before_its_job_says_so(world: World) -> None:
    (one,) = world.claimed(1)
    conclusions = world.conclusions([one], replace(SUCCEEDED, result="x" * 10_000))
    assert world.memory.results[(one.job.job_id, "1")] == "x" * 10_000
    (job,) = conclude_all(world.services, conclusions)
    assert isinstance(job, Job)
    assert (job.result, job.result_overflow) == (None, True)


def test_what_a_job_waited_for_its_slot_does_not_count_as_its_run(world: World) -> None:
    (one,) = world.claimed(1)
    assert one.assignment.timeout_ms == one.job.timeout_seconds * 1_000
    (job,) = conclude_all(world.services, world.conclusions([one], SUCCEEDED))
    assert isinstance(job, Job)
    assert (job.started_at_ms, job.actual_duration_seconds) == (LATER_MS, 0.005)
    assert [entry.at_ms for entry in job.history if entry.state is State.RUNNING] == [NOW_MS]


def test_a_lost_attempt_writes_nothing(world: World) -> None:
    assert world.conclusions(world.claimed(1), Outcome(OutcomeKind.LOST)) == []
