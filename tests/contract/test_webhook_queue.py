"""The queue of webhooks on SQS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.harness.domain.webhook_samples import WEBHOOK_ID, on_the_bus
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.webhook_queue import SqsDeliveryQueue, webhook_message_from
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.ports import WebhookMessage

DETAIL = on_the_bus()["detail"]


@pytest.fixture
def queue(moto_clients: AwsClients) -> Iterator[SqsDeliveryQueue]:
    with mock_aws():
        yield SqsDeliveryQueue(moto_clients, moto_clients.sqs.create_queue(QueueName="webhooks")["QueueUrl"])


def received(queue: SqsDeliveryQueue) -> list[Any]:
    found: list[Any] = []
    for _ in range(20):
        answer = queue.clients.sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10)
        found += answer.get("Messages", [])
    return found


def test_every_delivery_is_read_as_it_was_queued(queue: SqsDeliveryQueue) -> None:
    messages = [WebhookMessage(f"{n}", "job.ended", DETAIL) for n in range(23)]
    queue.send(messages)
    found = [webhook_message_from(each["Body"]) for each in received(queue)]
    assert sorted(map(str, found)) == sorted(map(str, messages))


def test_large_deliveries_go_in_several_calls(queue: SqsDeliveryQueue) -> None:
    large = {**DETAIL, "text": "x" * 250_000}
    queue.send([WebhookMessage(f"{n}", "job.ended", large) for n in range(10)])
    assert len(received(queue)) == 10


def test_a_delivery_that_the_queue_did_not_take_fails_the_event(
    queue: SqsDeliveryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(queue.clients.sqs), "send_message_batch", lambda *_, **__: {"Failed": [{"Id": "0"}]}
    )
    with pytest.raises(ServiceUnavailable):
        queue.send([WebhookMessage("1", "job.ended", DETAIL)])


def test_a_postponed_message_is_not_received_before_its_time(queue: SqsDeliveryQueue) -> None:
    queue.send([WebhookMessage("1", "job.ended", DETAIL)])
    (message,) = received(queue)
    queue.postpone(message["ReceiptHandle"], 14_400)
    assert received(queue) == []
    queue.postpone(message["ReceiptHandle"], 0)
    assert len(received(queue)) == 1


def test_a_queue_that_is_not_there_is_said(moto_clients: AwsClients) -> None:
    with mock_aws():
        queue = SqsDeliveryQueue(moto_clients, "https://sqs.eu-west-1.amazonaws.com/123456789012/none")
        with pytest.raises(ServiceRefused):
            queue.send([WebhookMessage("1", "job.ended", DETAIL)])


@pytest.mark.parametrize("name", ["job-ended", "workflow-ended", "deadline-at-risk", "worker-lost"])
def test_an_event_of_the_bus_is_a_message_without_a_webhook(name: str) -> None:
    event = on_the_bus(name)
    assert webhook_message_from(json.dumps(event)) == WebhookMessage(
        "", event["detail-type"], event["detail"]
    )


def _with(change: Callable[[dict[str, Any]], object]) -> str:
    event = on_the_bus()
    change(event)
    return json.dumps(event)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "1",
        "{}",
        "[" * 100_000,
        _with(lambda event: event.update(source="aws.ec2")),
        _with(lambda event: event.pop("detail")),
        _with(lambda event: event.update(detail="text")),
        _with(lambda event: event.update({"detail-type": 1})),
        _with(lambda event: event.update(webhook=[WEBHOOK_ID])),
    ],
)
def test_any_other_body_is_no_message(body: str) -> None:
    assert webhook_message_from(body) is None
