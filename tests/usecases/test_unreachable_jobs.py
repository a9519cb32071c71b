"""A job whose write fails stops no other job's transition, and is not forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    Stamp,
    Transition,
)
from tidegate.ports import TransitionOutcome
from tidegate.usecases.dispatch.dispatch import dispatch
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.reap.reap_active import reap_active
from tidegate.usecases.reap.reap_dead_letters import reap_dead_letters
from tidegate.usecases.submit.submit import submit_job

POOL = "lambda"
STAMP = Stamp(NOW_MS, "test")
RESEND_AT_MS = NOW_MS + SETTINGS.resend_after_seconds * 1_500


class SomeThrottled(MemoryJobStore):
    """A store that does not apply transitions of the jobs in `throttled` when they come with others."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self.throttled: set[str] = set()

    def apply_all(self, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
        carried_out = iter(
            super().apply_all(
                [transition for transition in transitions if transition.job_id not in self.throttled]
            )
        )
        return [
            ServiceUnavailable(transition.job_id)
            if transition.job_id in self.throttled
            else next(carried_out)
            for transition in transitions
        ]


class Deployment:
    def __init__(self) -> None:
        # One shard, so that jobs of one pool are always in the same page of a sweep.
        services, self.world = memory_services(replace(SETTINGS, shards=1))
        self.jobs = SomeThrottled(self.world)
        self.services: Services = replace(services, jobs=self.jobs)

    def submit(self, *upstream_ids: str, not_before_ms: int | None = None) -> str:
        edges = tuple(DependencyRequest(job_id=upstream_id) for upstream_id in upstream_ids)
        request = JobRequest(type="tidegate.noop", depends_on=edges, not_before_ms=not_before_ms)
        return submit_job(self.services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id

    def states(self, *job_ids: str) -> list[State]:
        return [self.world.jobs[job_id].state for job_id in job_ids]

    def finish(self, job_id: str) -> Job:
        self.jobs.apply(DispatchIfReady(job_id, POOL, STAMP))
        claimed = self.jobs.apply(ClaimIfQueued(job_id, 0, "w", NOW_MS + 1, STAMP))
        return self.jobs.apply(FinishIfAttemptHolds(claimed, 1, Ending(State.SUCCEEDED), STAMP))

    def delivered(self) -> set[str]:
        deliveries = self.services.queue.receive(POOL, limit=10, wait_seconds=0)
        return {delivery.message.job_id for delivery in deliveries}


@pytest.fixture
def deployed() -> Deployment:
    return Deployment()


def test_the_others_are_dispatched_and_their_messages_sent(deployed: Deployment) -> None:
    one, two, three = (deployed.submit() for _ in range(3))
    deployed.jobs.throttled = {two}
    with pytest.raises(ServiceUnavailable, match=two):
        dispatch(deployed.services, POOL, NOW_MS, rules=DispatchRules())
    assert deployed.states(one, two, three) == [State.QUEUED, State.READY, State.QUEUED]
    assert deployed.delivered() == {one, three}
    deployed.jobs.throttled.clear()
    dispatch(deployed.services, POOL, NOW_MS, rules=DispatchRules())
    assert deployed.delivered() == {two}


def test_the_others_are_released_and_dispatched(deployed: Deployment) -> None:
    upstream = deployed.submit()
    one, two = deployed.submit(upstream), deployed.submit(upstream)
    free = deployed.submit()
    deployed.jobs.throttled = {one}
    ended = deployed.finish(upstream)
    with pytest.raises(ServiceUnavailable, match=one):
        react(deployed.services, [ended], now_ms=NOW_MS)
    assert deployed.states(one, two, free) == [State.PENDING, State.QUEUED, State.QUEUED]
    deployed.jobs.throttled.clear()
    react(deployed.services, [ended], now_ms=NOW_MS)
    assert deployed.states(one) == [State.QUEUED]


def test_the_others_are_woken_and_dispatched(deployed: Deployment) -> None:
    one, two = (deployed.submit(not_before_ms=NOW_MS + 5_000) for _ in range(2))
    deployed.jobs.throttled = {one}
    with pytest.raises(ServiceUnavailable, match=one):
        tick(deployed.services, now_ms=NOW_MS + 5_000)
    assert deployed.states(one, two) == [State.SCHEDULED, State.QUEUED]
    assert deployed.delivered() == {two}


def test_an_edge_whose_upstream_could_not_be_noted_is_not_accepted_silently(deployed: Deployment) -> None:
    one, two = deployed.submit(), deployed.submit()
    deployed.finish(two)
    deployed.jobs.throttled = {one}
    with pytest.raises(ServiceUnavailable, match=one):
        deployed.submit(one, two)
    (downstream,) = [job for job in deployed.world.jobs.values() if job.dependency_count]
    assert downstream.waiting_on == {0}, "the edge to the one that had ended was carried over"


def test_the_others_messages_are_sent_again(deployed: Deployment) -> None:
    one, two = deployed.submit(), deployed.submit()
    for job_id in (one, two):
        deployed.jobs.apply(DispatchIfReady(job_id, POOL, STAMP))
    deployed.jobs.throttled = {one}
    with pytest.raises(ServiceUnavailable, match=one):
        reap_active(deployed.services, RESEND_AT_MS)
    assert deployed.delivered() == {two}


def test_the_dead_letter_of_a_job_that_could_not_be_taken_back_comes_again(deployed: Deployment) -> None:
    one, two = deployed.submit(), deployed.submit()
    dispatch(deployed.services, POOL, NOW_MS, rules=DispatchRules())
    _die(deployed)
    deployed.jobs.throttled = {one}
    with pytest.raises(ServiceUnavailable, match=one):
        reap_dead_letters(deployed.services, deployed.world.now_ms)
    assert deployed.states(one, two) == [State.QUEUED, State.READY]
    deployed.jobs.throttled.clear()
    deployed.world.now_ms += 10 * 60_000
    assert reap_dead_letters(deployed.services, deployed.world.now_ms).taken_back == 1
    assert deployed.states(one) == [State.READY]


def _die(deployed: Deployment) -> None:
    """Receives both messages until the queue gives them up."""
    for _ in range(20):
        deployed.services.queue.receive(POOL, limit=10, wait_seconds=0)
        deployed.world.now_ms += 30 * 60_000
