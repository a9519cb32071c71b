"""A second attempt in a worker process: left to others by the first worker, and run beside it by another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.waiting import becomes_true
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import POOL, job_of, queued_job
from tidegate.domain.job import Job
from tidegate.domain.second_attempts import SecondEnd
from tidegate.domain.states import State
from tidegate.domain.transitions import OfferSecondIfFirst, Stamp
from tidegate.ports import Message, second_message_of
from tidegate.usecases.work.claim import claim
from tidegate_worker import pipeline
from tidegate_worker.own_jobs import OwnJobs


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def offer(fixture: Fixture, message: Message) -> None:
    """Offers a second attempt of the job of a message."""
    job = job_of(fixture.services, message)
    stamp = Stamp(fixture.world.now_ms, "dispatcher")
    offered = fixture.services.jobs.apply(OfferSecondIfFirst(job, 1, stamp))
    fixture.services.queue.send(POOL, [second_message_of(offered)])


def test_the_first_worker_leaves_the_offer_in_the_queue(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    with fixture.running(slots=2):
        fixture.executor.wait_for_started(1)
        offer(fixture, message)
        queue = fixture.world.queues[POOL]
        assert becomes_true(lambda: not queue.has_visible(fixture.world.now_ms))
        second = job_of(fixture.services, message).live_second
        assert second is not None
        assert second.worker_id is None
        fixture.executor.open(1)
        assert becomes_true(lambda: job_of(fixture.services, message).state is State.SUCCEEDED)


def test_another_worker_runs_it_and_wins(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    (delivery,) = fixture.services.queue.receive(POOL, limit=1, wait_seconds=0)
    assert claim(fixture.services, delivery.message, "slow", fixture.world.now_ms) is not None
    fixture.services.queue.delete(POOL, [delivery.receipt])
    offer(fixture, message)

    def job() -> Job:
        return job_of(fixture.services, message)

    with fixture.running(slots=1):
        fixture.executor.wait_for_started(1)
        assert (job().state, job().worker_id) == (State.RUNNING, "slow")
        fixture.executor.open(1)
        assert becomes_true(lambda: job().state is State.SUCCEEDED)
    second = job().second
    assert second is not None
    assert (second.end, second.worker_id) == (SecondEnd.WON, job().worker_id)


def test_a_full_worker_returns_an_offer_however_often_it_came(fixture: Fixture) -> None:
    offered = queued_job(fixture.services)
    (delivery,) = fixture.services.queue.receive(POOL, limit=1, wait_seconds=0)
    assert claim(fixture.services, delivery.message, "slow", fixture.world.now_ms) is not None
    fixture.services.queue.delete(POOL, [delivery.receipt])
    queued_job(fixture.services)
    with fixture.running(slots=1) as worker:
        fixture.executor.wait_for_started(1)
        offer(fixture, offered)
        (delivery,) = fixture.services.queue.receive(POOL, limit=1, wait_seconds=0)
        often = replace(delivery, receives=9)
        assert worker.process._pipeline._admit([often]) == []
        assert fixture.queue.extended[-1] == pipeline._SECOND_PAUSE_SECONDS
        fixture.executor.open(1)


def test_a_job_that_is_held_twice_stays_until_both_have_ended() -> None:
    own = OwnJobs()
    own.add(["a", "b"])
    own.add(["a"])
    own.remove(["a", "b"])
    assert [job_id in own for job_id in ("a", "b")] == [True, False]
    own.remove(["a"])
    assert "a" not in own
