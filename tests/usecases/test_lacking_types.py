"""Jobs of a type that no worker has wait for it, and never fail because of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from dev.simulator.memory.pool_queue import MOST_RECEIVES_OF_PROCESSES, PoolQueue
from tests.harness.usecases.dispatching import Deployment
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.states import State
from tidegate.domain.workers import Worker, WorkerSpec, begin
from tidegate.ports import Delivery
from tidegate.usecases.work.pass_on import MOST_DELIVERIES, pass_on

POOL = "p"
NEW_TYPE, OLD_TYPE = "simulated.other", "simulated"


@pytest.fixture
def deployed() -> Deployment:
    made = Deployment(pools=(Pool(POOL, "", PoolKind.PROCESS, max_timeout_seconds=3_600),))
    made.world.queues[POOL] = PoolQueue(most_receives=MOST_RECEIVES_OF_PROCESSES)
    return made


def join(deployed: Deployment, name: str, slots: int, *lacking: str, fault: str = "") -> Worker:
    worker = begin(WorkerSpec(POOL, name, "host", slots), f"S-{name}", deployed.now_ms)
    worker = replace(worker, lacking=lacking, fault=fault)
    deployed.services.workers.register_if_free(worker, silent_since_ms=0)
    return worker


def test_no_more_are_dispatched_than_the_workers_that_have_the_type_can_run(deployed: Deployment) -> None:
    join(deployed, "old", 3, NEW_TYPE)
    join(deployed, "new", 2)
    new = deployed.submit(9, type=NEW_TYPE, priority=900)
    old = deployed.submit(20, type=OLD_TYPE)
    assert deployed.tick().dispatched == 10, "the window of five slots is filled all the same"
    assert len(deployed.dispatched & set(new)) == 2
    assert len(deployed.dispatched & set(old)) == 8
    assert {deployed.job(job_id).held_in for job_id in new} == {"", f"type:{NEW_TYPE}"}


def test_where_no_worker_has_the_type_its_jobs_wait_until_one_joins(deployed: Deployment) -> None:
    join(deployed, "old", 3, NEW_TYPE)
    new = deployed.submit(4, type=NEW_TYPE)
    assert deployed.tick().dispatched == 0
    assert deployed.in_state(State.READY) == set(new)
    join(deployed, "new", 3)
    assert deployed.tick().dispatched == 3


def test_a_worker_that_can_begin_nothing_brings_no_capacity(deployed: Deployment) -> None:
    join(deployed, "broken", 3, fault="process-not-started")
    deployed.submit(4)
    assert deployed.tick().dispatched == 0
    join(deployed, "sound", 1)
    assert deployed.tick().dispatched == 2


def _passed_on(deployed: Deployment, times: int) -> list[tuple[float, bool]]:
    """Returns the deliveries of the message to a worker that lacks its type: seconds since the first, and if done."""
    seen: list[tuple[float, bool]] = []
    began_ms = deployed.now_ms
    for _ in range(36_000):
        for delivery in deployed.services.queue.receive(POOL, limit=10, wait_seconds=0):
            done = pass_on(deployed.services, POOL, delivery, "old", "old lacks its type", deployed.now_ms)
            seen.append(((deployed.now_ms - began_ms) / 1_000, done))
            if done:
                deployed.services.queue.delete(POOL, [delivery.receipt])
        if len(seen) >= times:
            return seen
        deployed.world.now_ms += 1_000
    raise AssertionError(seen)


def test_a_message_is_passed_on_with_growing_pauses_and_its_job_taken_back_before_the_queue_gives_up(
    deployed: Deployment,
) -> None:
    join(deployed, "new", 1)
    (job_id,) = deployed.submit(1, type=NEW_TYPE)
    deployed.tick()
    seen = _passed_on(deployed, MOST_DELIVERIES + 1)
    assert [done for _, done in seen] == [False] * MOST_DELIVERIES + [True]
    at = [seconds for seconds, _ in seen]
    assert at[:9] == [0, 1, 2, 3, 4, 6, 8, 10, 12]
    assert max(later - earlier for earlier, later in pairwise(at[:-1])) == 10
    assert at[-1] - at[-2] == 30
    job = deployed.job(job_id)
    assert (job.state, job.attempt, job.tries) == (State.READY, 0, 0)
    assert (job.history[-1].actor, job.history[-1].reason) == ("old", "old lacks its type")
    join(deployed, "new", 1)  # it lives
    deployed.tick()
    at = [seconds for seconds, _ in _passed_on(deployed, MOST_DELIVERIES + 1)]
    assert at[-1] - at[-2] == 60, "the last pause doubles with each dispatch on end"


def test_passing_a_message_on_for_a_day_costs_a_bounded_number_of_dispatches(deployed: Deployment) -> None:
    (job_id,) = deployed.submit(1, type=NEW_TYPE)
    began_ms = deployed.now_ms
    while deployed.now_ms < began_ms + 24 * 3_600_000:
        join(deployed, "new", 1)  # it lives, and is busy
        deployed.tick()
        _passed_on(deployed, MOST_DELIVERIES + 1)
    assert deployed.job(job_id).state is State.READY
    assert len(deployed.job(job_id).history) < 2 * 24 * 3_600 / 900 + 20


def test_what_could_not_be_taken_back_comes_again(deployed: Deployment) -> None:
    join(deployed, "new", 1)
    deployed.submit(1, type=NEW_TYPE)
    deployed.tick()
    (delivery,) = deployed.services.queue.receive(POOL, limit=1, wait_seconds=0)
    late = Delivery(delivery.message, delivery.receipt, receives=MOST_DELIVERIES + 1)

    def refuse(request: str) -> None:
        if request == "apply":
            raise ServiceUnavailable("the table does not answer")

    deployed.world.on_request = refuse
    with pytest.raises(ServiceUnavailable):
        pass_on(deployed.services, POOL, late, "old", "why", deployed.now_ms)
    deployed.calm()
    assert pass_on(deployed.services, POOL, late, "old", "why", deployed.now_ms)


def test_the_message_of_a_job_that_went_on_is_done_with(deployed: Deployment) -> None:
    join(deployed, "new", 1)
    deployed.submit(1, type=OLD_TYPE)
    deployed.tick()
    (delivery,) = deployed.services.queue.receive(POOL, limit=1, wait_seconds=0)
    deployed.services.queue.extend(POOL, delivery.receipt, seconds=0)
    deployed.run_one()
    late = Delivery(delivery.message, delivery.receipt, receives=MOST_DELIVERIES)
    assert pass_on(deployed.services, POOL, late, "old", "why", deployed.now_ms)
