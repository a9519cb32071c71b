"""Every event bus behaves the same, and the one on EventBridge keeps AWS's limits and repeats what AWS left out."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.envelopes import envelope_of
from tests.harness.contract.script import Script, error
from tests.harness.contract.stores import BUS, Stores
from tests.harness.domain.event_samples import EVENTS_OUT, JOB, JOB_AT_RISK
from tests.harness.functions.api_calls import SETTINGS, read_event
from tidegate.adapters.aws.event_bus import detail_of
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.events import Event, job_ended

PATTERN = {"source": ["tidegate"], "detail-type": ["job.ended"], "detail": {"job": {"pool": ["lambda"]}}}
MOST_BYTES = 256 * 1_024


def events(count: int, **changes: Any) -> list[Event]:
    return [job_ended(replace(JOB, job_id=f"S.{number}", **changes)) for number in range(count)]


def made_bus(stores: Stores) -> Any:
    """Makes the bus where there is none yet. Returns the client of EventBridge."""
    assert stores.clients is not None
    bus: Any = stores.clients.eventbridge
    with contextlib.suppress(bus.exceptions.ResourceAlreadyExistsException):
        bus.create_event_bus(Name=BUS)
    return bus


@pytest.mark.parametrize("name", EVENTS_OUT)
def test_the_sample_is_what_a_target_gets(name: str) -> None:
    assert read_event(name) == envelope_of(EVENTS_OUT[name])


@pytest.mark.parametrize("event", [*EVENTS_OUT.values(), JOB_AT_RISK], ids=lambda event: event.id)
def test_an_event_holds_no_parameter_result_message_or_caller(event: Event) -> None:
    told = json.dumps(detail_of(event))
    assert "secret" not in told
    assert "user/ann" not in told


@pytest.fixture
def target(local_stores: Stores) -> str:
    """Makes the bus, with a rule that hands ends of jobs to a queue. Returns the queue's address."""
    bus = made_bus(local_stores)
    assert local_stores.clients is not None
    sqs = local_stores.clients.sqs
    queue_url = sqs.create_queue(QueueName="rule-target")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    bus.put_rule(Name="ends", EventBusName=BUS, EventPattern=json.dumps(PATTERN))
    target = {"Id": "queue", "Arn": asked["Attributes"]["QueueArn"]}
    bus.put_targets(Rule="ends", EventBusName=BUS, Targets=[target])
    return queue_url


def received(stores: Stores, queue_url: str) -> list[dict[str, Any]]:
    assert stores.clients is not None
    found: list[dict[str, Any]] = []
    for _ in range(60):
        answer = stores.clients.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
        if not answer.get("Messages"):
            break
        found += [json.loads(message["Body"]) for message in answer["Messages"]]
    return found


def test_a_rule_hands_over_the_events_that_it_names_as_the_samples_say(
    local_stores: Stores, target: str
) -> None:
    local_stores.events.publish([*EVENTS_OUT.values(), *events(22)])
    handed = received(local_stores, target)
    ended = EVENTS_OUT["out-job-ended"]
    assert {each["detail"]["id"] for each in handed} == {each.id for each in (ended, *events(22))}
    assert len(handed) == 23
    own = next(each for each in handed if each["detail"]["id"] == ended.id)
    sample = envelope_of(ended)
    given_by_aws = {"id", "account", "region", "time"}
    assert {**own, **{name: sample[name] for name in given_by_aws}} == sample


def test_a_bus_takes_each_event_once(local_stores: Stores) -> None:
    bus = made_bus(local_stores)
    bus.create_archive(ArchiveName="all", EventSourceArn=bus.describe_event_bus(Name=BUS)["Arn"])
    local_stores.events.publish(events(23))
    assert bus.describe_archive(ArchiveName="all")["EventCount"] == 23


def test_every_bus_takes_an_event_of_each_type_again_and_again(stores: Stores) -> None:
    if stores.clients is not None:
        made_bus(stores)
    for _ in range(2):
        stores.events.publish([*EVENTS_OUT.values(), *events(9)])
    stores.events.publish([])


def test_the_bus_in_memory_keeps_what_came_before_a_failure() -> None:
    services, world = memory_services(SETTINGS, MemoryWorld())
    services.events.publish(events(12))
    assert world.events == events(12)
    assert world.requests["put_events"] == 2

    def fail(_request: str) -> None:
        if world.requests["put_events"] > 3:
            raise ServiceUnavailable("x")

    world.on_request = fail
    with pytest.raises(ServiceUnavailable):
        services.events.publish(events(12))
    assert world.events == [*events(12), *events(10)]


def taken(count: int) -> dict[str, Any]:
    return {"FailedEntryCount": 0, "Entries": [{"EventId": str(number)} for number in range(count)]}


def takes_all(body: bytes) -> dict[str, Any]:
    return taken(len(json.loads(body)["Entries"]))


def entries(script: Script) -> list[list[dict[str, Any]]]:
    return [json.loads(body)["Entries"] for body in script.bodies()]


def test_an_entry_names_bus_source_type_time_and_detail(scripted: Stores, script: Script) -> None:
    script.answers(taken(1))
    event = EVENTS_OUT["out-job-ended"]
    scripted.events.publish([event])
    ((entry,),) = entries(script)
    assert json.loads(entry.pop("Detail")) == detail_of(event)
    assert entry.pop("Time") == pytest.approx(event.at_ms / 1_000)
    assert entry == {"EventBusName": BUS, "Source": "tidegate", "DetailType": "job.ended"}


def test_ten_events_go_in_a_call_and_nothing_is_asked_for_none(scripted: Stores, script: Script) -> None:
    script.answers_each(takes_all)
    scripted.events.publish([])
    scripted.events.publish(events(10))
    scripted.events.publish(events(10))
    scripted.events.publish(events(3))
    assert [len(each) for each in entries(script)] == [10, 10, 3]


def test_large_events_go_in_calls_of_the_size_that_aws_takes(scripted: Stores, script: Script) -> None:
    tags = {f"{number:0>128}": "ä" * 30_000 for number in range(1)}  # far larger than a tag may be
    script.answers_each(takes_all)
    scripted.events.publish(events(10, tags=tags))
    assert sorted(len(each) for each in entries(script)) == [2, 4, 4]  # calls at once, in any order
    for batch in entries(script):
        assert sum(len(each["Detail"].encode()) for each in batch) < MOST_BYTES


@pytest.mark.parametrize("code", ["InternalException", "ThrottlingException", "InternalFailure"])
def test_the_events_that_the_bus_did_not_take_alone_are_sent_again(
    scripted: Stores, script: Script, code: str
) -> None:
    failed = {"ErrorCode": code, "ErrorMessage": "later"}
    script.answers({"FailedEntryCount": 1, "Entries": [{"EventId": "0"}, failed, {"EventId": "2"}]}, taken(1))
    scripted.events.publish(events(3))
    assert [[json.loads(each["Detail"])["job"]["id"] for each in batch] for batch in entries(script)] == [
        ["S.0", "S.1", "S.2"],
        ["S.1"],
    ]


def test_a_call_that_is_refused_for_load_is_repeated(scripted: Stores, script: Script) -> None:
    script.answers(error("ThrottlingException"), taken(2))
    scripted.events.publish(events(2))
    assert [len(each) for each in entries(script)] == [2, 2]


def test_a_bus_that_takes_nothing_is_given_up_when_the_time_is_over(scripted: Stores, script: Script) -> None:
    script.answers({"FailedEntryCount": 2, "Entries": [{"ErrorCode": "InternalException"}] * 2})
    with pytest.raises(
        ServiceUnavailable, match="publishing events: 2 of 2 were refused for load until its 20 s"
    ):
        scripted.events.publish(events(2))
    assert 20 < len(script.asked) < 30


@pytest.mark.parametrize(
    "answer",
    [
        {"FailedEntryCount": 1, "Entries": [{"EventId": "0"}, {"ErrorCode": "NotAuthorizedForSource"}]},
        error("AccessDeniedException"),
    ],
)
def test_an_event_that_is_refused_for_good_says_what_to_check(
    scripted: Stores, script: Script, answer: dict[str, Any]
) -> None:
    script.answers(answer)
    with pytest.raises(ServiceRefused, match=r"publishing events was refused.*check the") as refused:
        scripted.events.publish(events(2))
    assert "S.1" not in str(refused.value)
    assert len(script.asked) == 1


def test_a_lost_answer_is_unavailable(scripted: Stores, script: Script) -> None:
    script.answers(error("InternalFailure", retries=4))
    with pytest.raises(ServiceUnavailable):
        scripted.events.publish(events(1))
