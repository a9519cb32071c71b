from __future__ import annotations

from dataclasses import replace

from tests.harness.functions.api_calls import SETTINGS
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.states import State
from tidegate.domain.workers import WorkerSpec
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.recall import KEEP_MS, OwnDispatches, Recall
from tidegate.usecases.work.worker_life import join_pool, leave_pool


def test_what_was_read_is_kept_for_a_while_and_can_be_forgotten() -> None:
    recall = Recall(keep_ms=100)
    reads = iter(range(9))
    told = [recall.of("a", at_ms, lambda: next(reads)) for at_ms in (0, 99, 100, 150, 90)]
    assert told == [0, 0, 1, 1, 2], "a clock that goes back is none to lean on"
    recall.forget("b")
    assert recall.of("a", 90, lambda: next(reads)) == 2
    recall.forget("a")
    assert recall.of("a", 90, lambda: next(reads)) == 3
    recall.forget()
    assert recall.of("a", 90, lambda: next(reads)) == 4


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    reads = iter(range(9))
    assert [Recall().of("a", 0, lambda: next(reads)) for _ in range(3)] == [0, 1, 2]


def test_an_own_dispatch_outdates_the_job_as_it_was_before_and_no_later_attempt() -> None:
    deployment = Deployment()
    (job_id,) = deployment.submit(1)
    ready = deployment.job(job_id)
    own = OwnDispatches()
    assert not own.is_outdated(ready)
    own.note(deployment.tick().jobs)
    assert own.is_outdated(ready)
    assert not own.is_outdated(deployment.job(job_id))
    assert not own.is_outdated(replace(ready, ready_at_ms=deployment.now_ms + 1))
    assert not own.is_outdated(replace(ready, state=State.SUCCEEDED))


def test_a_dispatcher_that_recalls_reads_less_and_learns_of_a_pause_all_the_same() -> None:
    deployment = Deployment(capacity=50)
    deployment.services = replace(deployment.services, recall=Recall(KEEP_MS))
    for _ in range(5):
        deployment.submit(1)
        deployment.react()
    assert deployment.world.requests["load_rules"] == 1
    assert len(deployment.dispatched) == 5
    deployment.services.rules.set_pool_paused(POOL, True, actor="ann", now_ms=deployment.now_ms)
    deployment.world.now_ms += KEEP_MS
    deployment.submit(1)
    tick(deployment.services, now_ms=deployment.now_ms)
    assert len(deployment.dispatched) == 5


def test_slots_that_have_just_gone_are_given_nothing() -> None:
    deployment = Deployment(pools=(replace(SETTINGS.pools["ecs"], name=POOL, capabilities=frozenset()),))
    deployment.services = replace(deployment.services, recall=Recall(KEEP_MS))
    spec = WorkerSpec(POOL, "w", "host-a", slots=4)
    mine = join_pool(deployment.services, spec, session_id="S1", now_ms=deployment.now_ms, take_over=False)
    deployment.submit(1)
    deployment.react()
    assert len(deployment.dispatched) == 1
    leave_pool(deployment.services, mine)
    deployment.submit(1)
    deployment.react()
    assert len(deployment.dispatched) == 1
