"""The memory store judges refused transitions of a batch like DynamoDB's: by one read after the refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, SHARDS
from tidegate.domain.errors import NotFound, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, Stamp, TransitionRefused

TRANSITIONS = [DispatchIfReady(f"S.{n}", POOL, Stamp(NOW_MS, "dispatcher")) for n in range(3)]
QUEUED = replace(new_job("S.1"), state=State.QUEUED)


@pytest.fixture
def world() -> MemoryWorld:
    """Makes a store in which S.0 is READY, S.1 is QUEUED, and S.2 does not exist."""
    world = MemoryWorld(shards=SHARDS)
    for job in (new_job("S.0"), QUEUED):
        world.put_new(job)
    return world


def before_the_read(world: MemoryWorld, happens: Callable[[], None]) -> None:
    """Runs `then` between the refusals of a batch and the read that explains them."""

    def on_request(request: str) -> None:
        if request == "get_many_consistent":
            happens()

    world.on_request = on_request


def test_the_refused_of_a_batch_are_read_once(world: MemoryWorld) -> None:
    changed, refused, gone = MemoryJobStore(world).apply_all(TRANSITIONS)
    assert isinstance(changed, Job)
    assert isinstance(refused, TransitionRefused)
    assert isinstance(gone, NotFound)
    assert world.requests == {"apply_all": 1, "get_many_consistent": 1}


def test_a_batch_of_which_nothing_is_refused_needs_no_read(world: MemoryWorld) -> None:
    world.write(new_job("S.1"))
    MemoryJobStore(world).apply_all(TRANSITIONS[:2])
    assert world.requests == {"apply_all": 1}


def test_a_refusal_shows_the_job_as_it_is_read(world: MemoryWorld) -> None:
    cancelled = replace(QUEUED, state=State.CANCELLED)
    before_the_read(world, lambda: world.write(cancelled))
    outcome = MemoryJobStore(world).apply_all(TRANSITIONS)[1]
    assert isinstance(outcome, TransitionRefused)
    assert outcome.job == cancelled


def test_a_transition_that_is_possible_again_is_made(world: MemoryWorld) -> None:
    before_the_read(world, lambda: world.write(new_job("S.1")))
    outcome = MemoryJobStore(world).apply_all(TRANSITIONS)[1]
    assert isinstance(outcome, Job)
    assert outcome.state is State.QUEUED


def test_what_can_not_be_read_is_left_open(world: MemoryWorld) -> None:
    def unavailable() -> None:
        raise ServiceUnavailable("the table does not answer")

    before_the_read(world, unavailable)
    changed, *others = MemoryJobStore(world).apply_all(TRANSITIONS)
    assert isinstance(changed, Job)
    assert [type(outcome) for outcome in others] == [ServiceUnavailable] * 2
