"""Operators keep webhooks, and the sender delivers events to them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from dev.simulator.people.callers import caller_named
from tests.harness.contract.stores import make_queue
from tests.harness.determined import NoEntropy, StandingClock
from tests.harness.domain.webhook_samples import on_the_bus
from tests.harness.faults.deployment import Deployment
from tests.harness.faults.emulated import emulated_clients
from tests.harness.outside.staged import FINE, StagedCaller
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.webhook_queue import SqsDeliveryQueue, webhook_message_from
from tidegate.domain.addresses import Reach
from tidegate.domain.errors import NotFound
from tidegate.domain.outside_calls import Answer
from tidegate.domain.webhooks import Filter, Webhook
from tidegate.usecases.services import Services
from tidegate.usecases.webhooks import manage
from tidegate.usecases.webhooks.attempt import Tools
from tidegate.usecases.webhooks.deliver import Received, take
from tidegate.usecases.webhooks.try_out import try_out

OPERATOR = caller_named("ann")
WEBHOOK_ID = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"
HOUR_MS = 3_600_000


@cache
def _platform() -> AwsClients:
    """Returns the clients of Lambda and of the bus, whose calls never fail here."""
    return emulated_clients()


class _Secrets(NoEntropy):
    """Ids as ever, and another secret each time."""

    def secret_bytes(self, count: int) -> bytes:
        return self.new_ulid(0).encode().rjust(count)


def webhooks_kept_and_told(d: Deployment) -> None:
    """A webhook is made, changed, rotated and tried out, is told of an event, and is disabled once it fails."""
    settings = replace(d.services.settings, webhook_reach=Reach.PUBLIC)
    services = replace(d.services, settings=settings, entropy=_Secrets())
    receiver = StagedCaller()
    _keep(d, services, receiver)
    queue = SqsDeliveryQueue(d.aws.clients, make_queue(_platform(), "webhooks"))
    event: Any = on_the_bus()
    _platform().sqs.send_message(QueueUrl=queue.url, MessageBody=json.dumps(event))
    receiver.says, receiver.calls = [Answer(500), FINE], []
    for _ in range(8):
        _drain(d, services, queue, receiver)
    told = [headers["webhook-id"] for _, headers, _ in receiver.calls]
    assert len(told) >= 2, "the first attempt failed, so another one follows"
    assert set(told) == {event["detail"]["id"]}
    _fail_for_good(d, services, queue, receiver)
    with suppress(NotFound):  # a call whose answer was lost has removed it
        d.ask(lambda: manage.remove(services, WEBHOOK_ID, caller=OPERATOR))
    assert d.ask(lambda: manage.list_webhooks(services)) == ()
    for _ in range(3):  # a delivery that was queued twice is dropped
        _drain(d, services, queue, receiver)


def _keep(d: Deployment, services: Services, receiver: StagedCaller) -> None:
    def changed(standing: Webhook) -> Webhook:
        return replace(standing, description="for the team")

    by: dict[str, Any] = {"caller": OPERATOR}
    make = ("https://hooks.example.com/in", None, Filter())
    first = d.ask(lambda: manage.create(services, WEBHOOK_ID, *make, now_ms=d.now_ms, **by))
    d.ask(lambda: manage.change(services, WEBHOOK_ID, changed, now_ms=d.now_ms, **by))
    d.ask(lambda: manage.rotate(services, WEBHOOK_ID, asked="once", now_ms=d.now_ms, **by))
    d.ask(lambda: manage.disable(services, WEBHOOK_ID, now_ms=d.now_ms, **by))
    d.ask(lambda: manage.enable(services, WEBHOOK_ID, now_ms=d.now_ms, **by))
    found = d.ask(lambda: manage.find_webhook(services, WEBHOOK_ID))
    assert (found.description, found.is_enabled) == ("for the team", True)
    assert [each.text for each in found.secrets[1:]] == [first.secrets[0].text], (
        "one rotation, whatever failed"
    )
    clock = StandingClock(d.now_ms)
    tools = Tools(receiver, clock, clock)
    assert d.ask(lambda: try_out(services, tools, WEBHOOK_ID, "", caller=OPERATOR)).told.is_success
    d.ask(lambda: manage.list_attempts(services, WEBHOOK_ID, limit=5, before=None))


def _drain(d: Deployment, services: Services, queue: SqsDeliveryQueue, receiver: StagedCaller) -> None:
    """Takes the messages that are visible, as Lambda does: one that failed stays."""
    clock = StandingClock(d.now_ms)
    answer = _platform().sqs.receive_message(
        QueueUrl=queue.url, MaxNumberOfMessages=10, AttributeNames=["All"]
    )
    for each in answer.get("Messages", []):
        message = webhook_message_from(each["Body"])
        assert message is not None
        received = Received(message, each["ReceiptHandle"], 1, d.now_ms)
        try:
            done = take(services, queue, Tools(receiver, clock, clock), received)
        except Exception:  # noqa: BLE001, S112  # whatever it is, the message comes again
            continue
        if done.is_finished:
            _platform().sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=each["ReceiptHandle"])
    d.wait(HOUR_MS)


def _fail_for_good(
    d: Deployment, services: Services, queue: SqsDeliveryQueue, receiver: StagedCaller
) -> None:
    """Lets the receiver answer that it is gone. The webhook is then disabled, at the latest by a repeated delivery."""
    d.wait(HOUR_MS)
    receiver.says = [Answer(410)]
    for _ in range(4):
        _platform().sqs.send_message(QueueUrl=queue.url, MessageBody=json.dumps(on_the_bus()))
        for _ in range(2):
            _drain(d, services, queue, receiver)
        if not d.ask(lambda: manage.find_webhook(services, WEBHOOK_ID)).is_enabled:
            return
    raise AssertionError("the webhook is still enabled")
