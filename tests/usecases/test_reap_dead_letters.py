"""The reaper carries the messages that a queue gave up over to their jobs."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.queue import MemoryQueue
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tidegate.bootstrap import Services
from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import JobRequest
from tidegate.domain.states import State
from tidegate.ports import UNKNOWN_TYPE, Delivery, Message, Outcome, OutcomeKind
from tidegate.settings import Settings
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.pools.capacity import PAUSE_MS
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.function_faults import FunctionFaults

NOW_MS = 1_800_000_000_000
VISIBILITY_MS = 120_000
DELIVERIES = 5
SETTINGS = Settings(pools={"p": Pool("p", "", PoolKind.FUNCTION, 840, capacity=4)}, default_pool="p")


def _given_up() -> tuple[Services, MemoryWorld, str, Message]:
    """Makes a job whose message was delivered as often as the queue allows, and never acknowledged."""
    services, world = memory_services(SETTINGS)
    world.now_ms = NOW_MS
    request = JobRequest(type="tidegate.noop")
    job_id = submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id
    return services, world, job_id, _give_up(services, world)


def _give_up(services: Services, world: MemoryWorld) -> Message:
    """Dispatches the job, and delivers its message until the queue gives it up."""
    tick(services, now_ms=world.now_ms)
    messages = []
    for _ in range(DELIVERIES):
        (delivery,) = services.queue.receive("p", limit=10, wait_seconds=0)
        messages.append(delivery.message)
        world.now_ms += VISIBILITY_MS + 1
    assert not services.queue.receive("p", limit=10, wait_seconds=0)
    return messages[-1]


def _job(services: Services, job_id: str) -> Job:
    job = services.jobs.get(job_id)
    assert job is not None
    return job


def test_a_job_that_nobody_could_take_is_dispatched_anew_at_no_cost() -> None:
    services, world, job_id, _ = _given_up()
    assert reap(services, now_ms=world.now_ms).jobs_given_up == 1
    job = _job(services, job_id)
    assert (job.state, job.attempt, job.tries) == (State.READY, 0, 0)
    assert job.history[-1].reason == "its queue gave its message up"
    assert not services.queue.receive_dead("p", limit=10)


def test_a_job_that_nobody_could_take_time_and_again_fails_and_says_why() -> None:
    services, world, job_id, _ = _given_up()
    for _ in range(limits.MAX_DISPATCHES_GIVEN_UP - 1):
        assert reap(services, now_ms=world.now_ms).jobs_undeliverable == 0
        _give_up(services, world)
    assert reap(services, now_ms=world.now_ms).jobs_undeliverable == 1
    job = _job(services, job_id)
    assert job.state is State.FAILED
    assert job.failure is not None
    assert job.failure.code == "undeliverable"
    assert not services.queue.receive_dead("p", limit=10)


def test_a_job_that_was_claimed_after_all_is_left_alone() -> None:
    services, _, job_id, message = _given_up()
    assert claim(services, message, "w", NOW_MS)
    report = reap(services, now_ms=NOW_MS + 1)
    assert report.jobs_undeliverable == 0
    assert _job(services, job_id).state is State.RUNNING
    assert not services.queue.receive_dead("p", limit=10), "the letter is read and done with"


def test_a_letter_of_a_job_that_is_gone_is_put_away() -> None:
    services, _, job_id, _ = _given_up()
    services.jobs.unstage([job_id])
    assert reap(services, now_ms=NOW_MS + 1).jobs_undeliverable == 0
    assert not services.queue.receive_dead("p", limit=10)


class WithOlderLetter(MemoryQueue):
    """A queue that adds a letter of the attempt before behind each letter."""

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        latest = super().receive_dead(pool, limit=limit)
        older = (
            replace(one, message=replace(one.message, attempt=one.message.attempt - 1)) for one in latest
        )
        return (*latest, *older)


def test_an_older_letter_of_the_same_job_does_not_hide_the_latest() -> None:
    services, world = memory_services(SETTINGS)
    services = replace(services, queue=WithOlderLetter(world))
    world.now_ms = NOW_MS
    request = JobRequest(type="tidegate.noop")
    job_id = submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id
    tick(services, now_ms=NOW_MS)
    for _ in range(2 * DELIVERIES):  # the first delivery's job is handed back, the second is never claimed
        for delivery in services.queue.receive("p", limit=10, wait_seconds=0):
            claimed = claim(services, delivery.message, "w", NOW_MS) if not delivery.message.attempt else None
            if claimed is not None:
                conclude(services, claimed, Outcome(OutcomeKind.HANDED_BACK), NOW_MS)
                services.queue.delete("p", [delivery.receipt])
                tick(services, now_ms=NOW_MS)
        world.now_ms += VISIBILITY_MS + 1
    assert reap(services, now_ms=NOW_MS + 1).jobs_given_up == 1
    assert _job(services, job_id).state is State.READY


def test_a_job_whose_type_workers_lack_never_fails_for_want_of_one() -> None:
    """Workers pass its messages on. A user's own queue may give these up too soon."""
    services, world, job_id, _ = _given_up()
    for _ in range(2 * limits.MAX_DISPATCHES_GIVEN_UP):
        job = _job(services, job_id)
        FunctionFaults().note(services, job, Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE), world.now_ms)
        report = reap(services, now_ms=world.now_ms)
        assert (report.jobs_undeliverable, report.jobs_given_up) == (0, 1)
        world.now_ms += 2 * PAUSE_MS + 1
        _give_up(services, world)
    assert _job(services, job_id).state is State.QUEUED
