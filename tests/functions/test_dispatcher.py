from __future__ import annotations

import copy
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import NOW_MS, SETTINGS, read_event
from tests.harness.tables import resources, table_properties
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import job_from_image
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.adapters.dynamodb.workers import worker_from
from tidegate.bootstrap import DispatcherDeps, Meter
from tidegate.domain.dependency import Dependency
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job, JobInput
from tidegate.domain.states import State
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.entry import dispatcher

POISON: list[Any] = [
    {},
    {"job_id": {"S": "01KATDPGZ8M5B6W2Y3Q7RVXN4C"}},
    {"job_id": "plain"},
    {"job_id": {"S": "secret"}, "created_at": {"N": "secret"}},
    "secret",
    None,
]


class Fixture:
    """A deployment that holds the jobs of the stream event, and a job whose second upstream has not ended."""

    def __init__(self) -> None:
        self.services, self.world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.deps = DispatcherDeps(self.services, StandingClock(NOW_MS), Meter(), changes_from)
        self.event = read_event("dispatcher-stream")
        self.alone, self.ended = (
            job_from_image(record["dynamodb"]["NewImage"]) for record in self.event["Records"]
        )
        self.downstream = Job(
            job_id=self.ended.dependents[0].job_id,
            state=State.PENDING,
            type="tidegate.noop",
            pool="lambda",
            priority=300,
            created_at_ms=NOW_MS,
            input=JobInput({}, (Dependency(self.ended.job_id),)),
            dependency_count=1,
            waiting_on=frozenset({0}),
        )
        for job in (self.alone, self.ended, self.downstream):
            self.world.put_new(job)

    def handle(self, event: dict[str, Any] | None = None) -> dict[str, Any]:
        return dispatcher.handle(event or self.event, self.deps)

    def state(self, job: Job) -> State:
        current = self.services.jobs.get(job.job_id)
        assert current is not None
        return current.state

    def delivered(self) -> set[str]:
        deliveries = self.services.queue.receive("lambda", limit=10, wait_seconds=0)
        return {delivery.message.job_id for delivery in deliveries}


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_the_stream_releases_and_dispatches(fixture: Fixture) -> None:
    assert (fixture.alone.state, fixture.ended.state) == (State.READY, State.SUCCEEDED)
    assert fixture.handle() == {"batchItemFailures": []}
    assert fixture.state(fixture.alone) is State.QUEUED
    assert fixture.state(fixture.downstream) is State.QUEUED
    assert fixture.delivered() == {fixture.alone.job_id, fixture.downstream.job_id}


def test_the_same_event_again_changes_nothing(fixture: Fixture) -> None:
    fixture.handle()
    before = dict(fixture.world.jobs)
    assert fixture.handle() == {"batchItemFailures": []}
    assert fixture.world.jobs == before
    assert len(fixture.delivered()) == 2


def test_the_schedule_dispatches_what_no_event_did(fixture: Fixture) -> None:
    assert fixture.handle(read_event("dispatcher-schedule")) == {"dispatched": 1}
    assert fixture.delivered() == {fixture.alone.job_id}


@pytest.mark.parametrize("image", POISON)
def test_a_record_that_can_not_be_read_holds_nothing_up(
    fixture: Fixture, image: Any, caplog: pytest.LogCaptureFixture
) -> None:
    poison = copy.deepcopy(fixture.event["Records"][0])
    poison["dynamodb"]["NewImage"] = image
    poison["eventID"] = "poisoned"
    event = {"Records": [poison, *fixture.event["Records"]]}
    assert fixture.handle(event) == {"batchItemFailures": []}
    assert fixture.delivered() == {fixture.alone.job_id, fixture.downstream.job_id}
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert vars(error)["event_id"] == "poisoned"
    assert "secret" not in str(vars(error))


def test_a_removal_is_nothing_to_react_to(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    record = copy.deepcopy(fixture.event["Records"][1])
    record["eventName"] = "REMOVE"
    record["dynamodb"]["OldImage"] = record["dynamodb"].pop("NewImage")
    assert fixture.handle({"Records": [record]}) == {"batchItemFailures": []}
    assert not [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert fixture.state(fixture.downstream) is State.PENDING


def test_a_store_that_does_not_answer_fails_the_batch_so_that_it_comes_again(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(request: str) -> None:
        raise ServiceUnavailable("the table does not answer")

    fixture.world.on_request = refuse
    with caplog.at_level(logging.INFO), pytest.raises(ServiceUnavailable):
        fixture.handle()
    assert [record.getMessage() for record in caplog.records] == ["usage"]
    fixture.world.on_request = lambda request: None
    fixture.handle()
    assert len(fixture.delivered()) == 2


def test_what_was_dispatched_and_used_is_logged(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fixture.handle()
    dispatched, usage = (vars(record) for record in caplog.records)
    assert (dispatched["pool"], dispatched["dispatched"], dispatched["unsent"]) == ("lambda", 2, 0)
    assert usage["usage"] == {"requests": {}, "write_units": 0, "read_units": 0.0}


def test_a_worker_that_joins_is_given_work_at_once(fixture: Fixture) -> None:
    job = replace(fixture.alone, job_id="01JD0000000000000000000009", pool="ecs")
    fixture.world.put_new(job)
    event = read_event("dispatcher-workers")
    for record in event["Records"]:
        worker = worker_from(record["dynamodb"]["NewImage"])
        fixture.services.workers.register_if_free(worker, silent_since_ms=NOW_MS)
    assert fixture.handle(event) == {"batchItemFailures": []}
    assert fixture.state(job) is State.QUEUED
    assert fixture.state(fixture.alone) is State.READY, "other pools are not looked at"


def test_new_rules_wake_the_dispatcher_for_every_pool(fixture: Fixture) -> None:
    job = replace(fixture.alone, job_id="01JD0000000000000000000009", pool="ecs")
    fixture.world.put_new(job)
    worker = begin(WorkerSpec("ecs", "w", "host", 1), "session", NOW_MS)
    fixture.services.workers.register_if_free(worker, silent_since_ms=0)
    assert fixture.handle(read_event("dispatcher-rules")) == {"batchItemFailures": []}
    assert (fixture.state(job), fixture.state(fixture.alone)) == (State.QUEUED, State.QUEUED)


def test_the_filter_lets_only_the_rules_through() -> None:
    source = resources()["DispatcherRulesStream"]["Properties"]
    (pattern,) = (json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"])
    (record,) = read_event("dispatcher-rules")["Records"]
    (wanted,) = pattern["dynamodb"]["Keys"]["name"]["S"]
    assert pattern == {"dynamodb": {"Keys": {"name": {"S": [schema.RULES]}}}}
    assert record["dynamodb"]["Keys"] == {schema.NAME: {"S": wanted}}
    assert changes_from([record]).of_rules
    assert str(source["EventSourceArn"].value) == "Control.StreamArn"
    assert table_properties("control")["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"


def test_a_release_ends_well_before_the_platform_ends_the_function() -> None:
    timeout_ms = resources()["DispatcherFunction"]["Properties"]["Timeout"] * 1_000
    assert timeout_ms >= dispatcher.WORKING_MS + 60_000
