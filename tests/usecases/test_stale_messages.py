"""Messages by which no worker can ever claim a job, recognised from a read that may be old."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.domain.job_samples import RUNNING, SAMPLES
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.states import TERMINAL, State
from tidegate.ports import Delivery, Message
from tidegate.settings import Settings
from tidegate.usecases.work.stale_messages import stale_among

SETTINGS = Settings(pools={"p": Pool("p", "", PoolKind.FUNCTION, 840, capacity=4)}, default_pool="p")


def is_stale(job: Job | None, message: Message) -> bool:
    services, world = memory_services(SETTINGS, MemoryWorld())
    if job is not None:
        world.jobs[job.job_id] = job
    return bool(stale_among(services, [Delivery(message, "r")]))


def message_for(job: Job, attempt: int = 0, reopened: int = 0) -> Message:
    """Makes a message sent `attempt` claims and `reopened` lives before the job's present state."""
    return Message(job.job_id, job.attempt - attempt, job.reopened - reopened)


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_a_job_that_has_ended_makes_the_messages_of_its_life_stale(state: State) -> None:
    assert is_stale(SAMPLES[state], message_for(SAMPLES[state]))


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_a_later_life_than_the_read_shows_makes_none_stale(state: State) -> None:
    assert not is_stale(SAMPLES[state], message_for(SAMPLES[state], reopened=-1))


@pytest.mark.parametrize("state", [State.PENDING, State.SCHEDULED, State.READY, State.QUEUED])
def test_a_job_that_waits_may_be_dispatched_by_now(state: State) -> None:
    waiting = replace(SAMPLES[state], attempt=2)
    assert not is_stale(waiting, message_for(waiting))
    assert is_stale(waiting, message_for(waiting, attempt=1)), "it was claimed since"
    assert is_stale(replace(waiting, reopened=1), Message(waiting.job_id, 2, 0)), "it lives anew"


def test_the_message_of_a_running_job_may_bring_it_back_where_its_worker_is_lost() -> None:
    assert not is_stale(RUNNING, message_for(RUNNING, attempt=1))
    assert is_stale(RUNNING, message_for(RUNNING, attempt=2))


def test_a_job_that_the_read_does_not_show_is_left_to_its_claim() -> None:
    assert not is_stale(None, Message("01JD0000000000000000000000", 0))
