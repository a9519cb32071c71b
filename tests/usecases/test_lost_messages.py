"""A waiting job gets no further messages, and one with a lost message gets a handful, then a new dispatch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from dev.simulator.memory.queue import MemoryQueue
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import NoEntropy
from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import JobRequest
from tidegate.domain.states import State
from tidegate.ports import Delivery, Message, Outcome, OutcomeKind
from tidegate.settings import Settings
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import beat

NOW_MS = 1_800_000_000_000
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
SLOTS = 4
SETTINGS = Settings(pools={"p": Pool("p", "", PoolKind.FUNCTION, 840, capacity=SLOTS)}, default_pool="p")


class CountingQueue(MemoryQueue):
    """Counts the messages sent for each job, and loses the first `lost` of all."""

    def __init__(self, world: MemoryWorld, lost: int = 0) -> None:
        super().__init__(world)
        self.sent: Counter[str] = Counter()
        self.lost = lost

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        for message in messages:
            self.sent[message.job_id] += 1
            if self.lost:
                self.lost -= 1
            else:
                super().send(pool, [message])
        return ()


class Deployment:
    """A pool of four slots, in memory."""

    def __init__(self, jobs: int, lost: int = 0) -> None:
        services, self.world = memory_services(SETTINGS, MemoryWorld(now_ms=NOW_MS))
        self.queue = CountingQueue(self.world, lost)
        self.services: Services = replace(services, queue=self.queue, entropy=NoEntropy())
        request = JobRequest(type="tidegate.noop")
        for _ in range(jobs):
            self.services.entropy.new_ulid(NOW_MS)
            submit_job(self.services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)

    def received(self) -> set[str]:
        """Returns the ids of all jobs whose messages can be received now."""
        found: set[str] = set()
        while deliveries := self.services.queue.receive("p", limit=10, wait_seconds=0):
            found |= {delivery.message.job_id for delivery in deliveries}
        return found

    def pass_time(self, for_ms: int, *running: tuple[Job, Delivery]) -> None:
        """Lets time pass, with a tick and the workers' heartbeats each minute."""
        until_ms = self.world.now_ms + for_ms
        while self.world.now_ms < until_ms:
            self.world.now_ms += MINUTE_MS // 2
            for job, delivery in running:
                beat(self.services, job, None, self.world.now_ms)
                self.queue.extend("p", delivery.receipt, seconds=120)
            tick(self.services, now_ms=self.world.now_ms)
            reap(self.services, now_ms=self.world.now_ms)

    def states(self) -> Counter[State]:
        return Counter(job.state for job in self.world.jobs.values())


def test_jobs_that_wait_behind_long_ones_get_a_handful_of_messages_in_twelve_hours() -> None:
    """With a message every five minutes or so, there would be 433."""
    deployment = Deployment(2 * SLOTS)
    tick(deployment.services, now_ms=NOW_MS)
    running = []
    for _ in range(SLOTS):
        (delivery,) = deployment.services.queue.receive("p", limit=1, wait_seconds=0)
        claimed = claim(deployment.services, delivery.message, "w", NOW_MS)
        assert claimed is not None
        running.append((claimed.job, delivery))
    deployment.pass_time(12 * HOUR_MS, *running)
    assert deployment.states() == {State.RUNNING: SLOTS, State.QUEUED: SLOTS}
    assert max(deployment.queue.sent.values()) <= limits.MAX_MESSAGES_PER_DISPATCH
    assert sum(deployment.queue.sent.values()) <= SLOTS + SLOTS * limits.MAX_MESSAGES_PER_DISPATCH
    assert all(job.attempt == (job.state is State.RUNNING) for job in deployment.world.jobs.values())


def test_sixty_hours_without_a_worker_bring_a_handful_of_messages() -> None:
    """Each dispatch has one message, and the time between dispatches doubles. Before, eight jobs had 4,286 messages."""
    deployment = Deployment(2 * SLOTS)
    deployment.pass_time(60 * HOUR_MS)
    assert max(deployment.queue.sent.values()) <= 1 + limits.MAX_MESSAGES_PER_DISPATCH
    assert max(len(job.history) for job in deployment.world.jobs.values()) <= 20


@pytest.mark.parametrize("lost", range(1, 8))
def test_a_job_whose_messages_are_lost_time_and_again_runs_in_bounded_time(lost: int) -> None:
    deployment = Deployment(1, lost=lost)
    while not deployment.received():
        deployment.pass_time(MINUTE_MS)
        assert deployment.world.now_ms < NOW_MS + 2 * HOUR_MS
    (job,) = deployment.world.jobs.values()
    dispatches = sum(entry.state is State.QUEUED for entry in job.history)
    assert deployment.queue.sent[job.job_id] <= dispatches * limits.MAX_MESSAGES_PER_DISPATCH
    assert dispatches == (1 if lost < limits.MAX_MESSAGES_PER_DISPATCH else 2)


def test_a_message_that_is_lost_again_after_a_late_repair_is_made_up_for_soon() -> None:
    """The reaper came a day late. Before, the next repair waited another day, as long as the job had waited already."""
    deployment = Deployment(1, lost=2)
    tick(deployment.services, now_ms=NOW_MS)
    deployment.world.now_ms += 24 * HOUR_MS
    reap(deployment.services, now_ms=deployment.world.now_ms)
    assert sum(deployment.queue.sent.values()) == 2
    deployment.pass_time(HOUR_MS)
    assert deployment.received() == deployment.world.jobs.keys()


def test_a_lost_message_among_those_of_others_is_found() -> None:
    """One of eight is lost: it comes again after about five minutes, and the others' may come again once."""
    deployment = Deployment(2 * SLOTS, lost=1)
    deployment.pass_time(15 * MINUTE_MS)
    assert deployment.received() == deployment.world.jobs.keys()
    assert sum(deployment.queue.sent.values()) <= 2 * 2 * SLOTS


def test_a_lost_message_that_stale_ones_hide_is_found_by_a_new_dispatch() -> None:
    """Messages of ended jobs make the queue look complete. The job is taken back within an hour and a half."""
    deployment = Deployment(1, lost=1)
    deployment.queue.send(
        "p", tuple(Message(f"gone-{number}", 0) for number in range(5))
    )  # the first is lost
    deployment.pass_time(90 * MINUTE_MS)
    (job,) = deployment.world.jobs.values()
    assert job.job_id in deployment.received()
    assert job.attempt == 0


def test_a_message_that_a_dead_worker_received_is_made_up_for_while_others_hide_the_loss() -> None:
    """A function that is killed between a message and its claim hides the message for long. So do those of lost jobs.

    Before, messages of jobs that had run again elsewhere made the queue look whole, and the job waited for over an hour
    or for the end of the visibility.
    """
    deployment = Deployment(SLOTS)
    tick(deployment.services, now_ms=NOW_MS)
    deliveries = deployment.queue.receive("p", limit=SLOTS, wait_seconds=0)
    assert len(deliveries) == SLOTS
    for delivery in deliveries:
        deployment.queue.extend("p", delivery.receipt, seconds=12 * 3_600)
    for delivery in deliveries[1:]:  # their jobs end, and their messages stay hidden
        claimed = claim(deployment.services, delivery.message, "w", NOW_MS)
        assert claimed is not None
        conclude(deployment.services, claimed, Outcome(OutcomeKind.SUCCEEDED), NOW_MS)
    deployment.pass_time(10 * MINUTE_MS)
    assert deployment.received() == {deliveries[0].message.job_id}
