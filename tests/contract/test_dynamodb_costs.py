"""The cost of each step of a job, counted on the local stack."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.meter import Usage
from tidegate.domain.dependency import Dependency
from tidegate.domain.job import Progress
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import (
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    Stamp,
    TransitionRefused,
)
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.ports import Message

JOB = new_job("01JDZ3K5M7N9P1R3T5V7X9Z1B3")
STAMP = Stamp(NOW_MS, "0a1b2c3d-lambda-5f6e7d8c")


@pytest.fixture
def cost_of(local_clients: AwsClients) -> Callable[[Callable[[], object]], Usage]:
    def measure(step: Callable[[], object]) -> Usage:
        before = local_clients.meter.snapshot()
        step()
        return local_clients.meter.snapshot() - before

    return measure


Measure = Callable[[Callable[[], object]], Usage]


def units(usage: Usage) -> tuple[float, float]:
    return usage.base_write_units, usage.index_write_units


def test_each_step_costs_what_the_budget_says(local_stores: Stores, cost_of: Measure) -> None:
    jobs = local_stores.jobs
    ending = Ending(State.SUCCEEDED, result={"rows": 1}, expires_at_s=1_702_592_001)
    steps: dict[str, tuple[Callable[[], object], tuple[float, float]]] = {
        "submit": (lambda: jobs.insert_if_absent([JOB]), (1, 1)),
        "dispatch": (lambda: jobs.apply(DispatchIfReady(JOB.job_id, POOL, STAMP)), (1, 2)),
        "claim": (lambda: jobs.apply(ClaimIfQueued(JOB.job_id, 0, "w", NOW_MS + 9, STAMP)), (1, 0)),
        "heartbeat": (
            lambda: jobs.apply(HeartbeatIfAttemptHolds(JOB, 1, NOW_MS + 99, Progress(0.5, "half"))),
            (1, 0),
        ),
        "complete": (lambda: jobs.apply(FinishIfAttemptHolds(JOB, 1, ending, STAMP)), (1, 2)),
    }
    for name, (step, expected) in steps.items():
        usage = cost_of(step)
        assert units(usage) == expected, name
        assert usage.requests_of("dynamodb") == 1, name


def test_a_dependency_costs_one_write_and_the_last_one_releases_the_job(
    local_stores: Stores, cost_of: Measure
) -> None:
    jobs = local_stores.jobs
    job = new_job("S.2", depends_on=(Dependency("S.0"), Dependency("S.1")))
    assert units(cost_of(lambda: jobs.stage([job]))) == (1, 1)
    assert units(cost_of(lambda: jobs.apply(ReleaseIfPending(job, {0})))) == (1, 0)
    assert units(cost_of(lambda: jobs.apply(ReadyIfWaitingOnlyOn(job, {1}, STAMP)))) == (1, 2)


def test_a_worker_costs_one_write_to_join_to_beat_and_to_leave(
    local_stores: Stores, cost_of: Measure
) -> None:
    workers, tags = local_stores.workers, {f"tag-{n}": "x" * 20 for n in range(5)}
    spec = WorkerSpec(POOL, "ip-10-0-1-17-1-4F7K", "ip-10-0-1-17", 8, name="nightly run", tags=tags)
    worker = begin(spec, "01KBC7RV8M5B6W2Y3Q7RVXN4C1", NOW_MS)
    steps: tuple[Callable[[], object], ...] = (
        lambda: workers.register_if_free(worker, silent_since_ms=NOW_MS),
        lambda: workers.heartbeat_if_mine(worker),
        lambda: workers.drain_if_mine(worker),
        lambda: workers.leave_if_mine(worker),
    )
    for step in steps:
        usage = cost_of(step)
        assert units(usage) == (1, 0)
        assert usage.requests_of("dynamodb") == 1


def test_many_jobs_are_written_25_to_a_request_at_the_plain_price(
    local_stores: Stores, cost_of: Measure
) -> None:
    new = [new_job(f"S.{n}") for n in range(60)]
    usage = cost_of(lambda: local_stores.jobs.insert_if_absent(new))
    assert units(usage) == (60, 60)
    assert usage.requests == {("dynamodb", "BatchExecuteStatement"): 3}
    again = cost_of(lambda: local_stores.jobs.insert_if_absent(new))
    assert units(again) == (60, 0)


def test_many_transitions_go_25_to_a_request_at_the_plain_price(
    local_stores: Stores, cost_of: Measure
) -> None:
    local_stores.jobs.insert_if_absent([new_job(f"S.{n}", name="x" * 1_200 * (n % 2)) for n in range(60)])
    transitions = [DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(60)]
    usage = cost_of(lambda: local_stores.jobs.apply_all(transitions))
    assert units(usage) == (30 * 1 + 30 * 2, 60 * 2)
    assert usage.requests == {("dynamodb", "BatchExecuteStatement"): 3}
    refused = cost_of(lambda: local_stores.jobs.apply_all(transitions))
    # AWS bills 90 units. If the answers contain no items, as on AWS, the meter counts one unit for each.
    assert refused.base_write_units in (60, 90)
    assert refused.index_write_units == 0


def test_a_batch_of_which_anything_is_refused_costs_one_read_more(
    local_stores: Stores, cost_of: Measure
) -> None:
    local_stores.jobs.insert_if_absent([new_job(f"S.{n}") for n in range(25)])
    transitions = [DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(25)]
    local_stores.jobs.apply_all(transitions[:1])
    once = {("dynamodb", "BatchExecuteStatement"): 1, ("dynamodb", "BatchGetItem"): 1}
    one = cost_of(lambda: local_stores.jobs.apply_all(transitions))
    assert (units(one), one.requests, one.read_units) == ((25, 48), once, 1.0)
    all_of_it = cost_of(lambda: local_stores.jobs.apply_all(transitions))
    assert (units(all_of_it), all_of_it.requests, all_of_it.read_units) == ((25, 0), once, 25.0)


def test_many_releases_that_make_no_job_ready_leave_the_index_alone(
    local_stores: Stores, cost_of: Measure
) -> None:
    waiting = [new_job(f"S.{n}", depends_on=(Dependency("S.0"), Dependency("S.1"))) for n in range(2, 32)]
    local_stores.jobs.stage(waiting)
    usage = cost_of(lambda: local_stores.jobs.apply_all([ReleaseIfPending(job, {0}) for job in waiting]))
    assert units(usage) == (30, 0)
    ready = [ReadyIfWaitingOnlyOn(job, {1}, STAMP) for job in waiting]
    assert units(cost_of(lambda: local_stores.jobs.apply_all(ready))) == (30, 60)


def test_a_refused_write_is_billed_though_the_stack_does_not_say_so(
    local_stores: Stores, cost_of: Measure
) -> None:
    large = new_job("S", name="x" * 2_000)
    local_stores.jobs.insert_if_absent([large])

    def refused() -> None:
        with pytest.raises(TransitionRefused):
            local_stores.jobs.apply(ClaimIfQueued("S", 0, "w", NOW_MS, STAMP))

    assert units(cost_of(refused)) == (3, 0)


def test_reads_are_counted_by_what_they_return(local_stores: Stores, cost_of: Measure) -> None:
    jobs = local_stores.jobs
    jobs.insert_if_absent([new_job(f"S.{n}", name="x" * 5_000) for n in range(4)])
    assert cost_of(lambda: jobs.get("S.0")).read_units == 1.0
    assert cost_of(lambda: jobs.get("S.0", consistent=True)).read_units == 2.0
    many = cost_of(lambda: jobs.get_many([f"S.{n}" for n in range(4)]))
    assert many.read_units == 4.0
    assert many.requests == {("dynamodb", "BatchGetItem"): 1}
    counted = cost_of(lambda: local_stores.index.count(POOL, Group.READY, at_most=50))
    assert counted.requests == {("dynamodb", "Query"): local_stores.index.shards}
    assert counted.read_units == 0.5 * local_stores.index.shards


def test_messages_go_ten_to_a_request(local_stores: Stores, cost_of: Measure) -> None:
    messages = [Message(f"S.{n}", 0) for n in range(25)]
    usage = cost_of(lambda: local_stores.queue.send(POOL, messages))
    assert usage.requests == {("sqs", "SendMessageBatch"): 3}
    assert usage.requests_of("sqs") == 3
