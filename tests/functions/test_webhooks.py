"""The sender of webhooks, from an event of its queue to an https server on loopback."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.webhooks import MemoryDeliveryQueue
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import StandingClock
from tests.harness.domain.webhook_samples import SECRET, WEBHOOK_ID, webhook
from tests.harness.functions.api_calls import NOW_MS, SETTINGS, read_event
from tests.harness.outside.receiver import LOOPBACK, Receiver, answer, receiving
from tests.harness.outside.staged import StagedCaller
from tidegate.adapters.aws.webhook_queue import _body_of, webhook_message_from
from tidegate.adapters.http_out.call import HttpsCaller
from tidegate.adapters.system import SystemStopwatch
from tidegate.bootstrap import Meter, WebhooksDeps
from tidegate.domain.addresses import Reach
from tidegate.domain.outside_calls import Answer
from tidegate.entry.webhooks import handle
from tidegate.ports import OutsideCaller
from tidegate.usecases.webhooks.attempt import Tools


class Sender:
    """The sender's function in memory. `caller` calls the receivers."""

    def __init__(self, caller: OutsideCaller) -> None:
        self.services, self.world = memory_services(SETTINGS, MemoryWorld(now_ms=NOW_MS))
        self.queue = MemoryDeliveryQueue(self.world)
        tools = Tools(caller, StandingClock(NOW_MS), SystemStopwatch())
        self.deps = WebhooksDeps(self.services, self.queue, tools, Meter(), webhook_message_from)

    def handle(self, body: str | None = None, **attributes: str) -> list[str]:
        """Handles the sample event, with another body and other attributes. Returns the ids of what is kept."""
        event = copy.deepcopy(read_event("webhooks-sqs"))
        (record,) = event["Records"]
        record["body"] = record["body"] if body is None else body
        record["attributes"].update(attributes)
        return [each["itemIdentifier"] for each in handle(event, self.deps)["batchItemFailures"]]

    def deliveries(self) -> list[str]:
        """Handles the sample event, and returns the bodies of the deliveries that came of it."""
        assert self.handle() == []
        return [_body_of(message) for message in self.queue.sent]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path, answer("200 OK", b"thanks")) as found:
        yield found


MESSAGE_ID: str = read_event("webhooks-sqs")["Records"][0]["messageId"]


def test_an_event_of_the_bus_reaches_an_https_server_signed(receiver: Receiver) -> None:
    sender = Sender(HttpsCaller(SystemStopwatch(), Reach.ANY, trust=receiver.trust))
    sender.services.webhooks.insert(webhook(url=f"https://{LOOPBACK}:{receiver.port}/in?a=b"))
    (body,) = sender.deliveries()
    assert sender.handle(body) == []
    head, _, sent = receiver.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST /in?a=b HTTP/1.1"
    assert headers["content-type"] == "application/json"
    key = base64.b64decode(SECRET.text.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + sent
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(sent)
    event = json.loads(read_event("webhooks-sqs")["Records"][0]["body"])
    assert told["data"] == {"job": event["detail"]["job"]}
    (logged,) = sender.services.webhooks.attempts(WEBHOOK_ID, limit=5)
    assert (logged.status, logged.outcome) == (200, "delivered")


def test_a_message_that_failed_is_kept_and_counted_by_the_queue() -> None:
    sender = Sender(StagedCaller([Answer(500)]))
    sender.services.webhooks.insert(webhook())
    (body,) = sender.deliveries()
    assert sender.handle(body, ApproximateReceiveCount="5") == [MESSAGE_ID]
    ((_, seconds),) = sender.queue.postponed
    assert 1_800 <= seconds <= 1_980
    assert sender.handle(body, ApproximateReceiveCount="13", SentTimestamp=str(NOW_MS - 1)) == [MESSAGE_ID]
    found = sender.services.webhooks.get(WEBHOOK_ID)
    assert found is not None
    assert not found.is_enabled


@pytest.mark.parametrize("body", ["", "{}", '{"source":"tidegate","detail-type":"job.began","detail":{}}'])
def test_what_is_no_message_is_left_for_the_dead_letters(body: str) -> None:
    sender = Sender(StagedCaller())
    assert sender.handle(body) == [MESSAGE_ID]
    assert sender.queue.postponed == []


def test_one_message_that_fails_keeps_no_other_back() -> None:
    sender = Sender(StagedCaller())
    sender.services.webhooks.insert(webhook())
    event = copy.deepcopy(read_event("webhooks-sqs"))
    bad = {**event["Records"][0], "messageId": "bad", "body": "{}"}
    event["Records"].insert(0, bad)
    assert handle(event, sender.deps) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert len(sender.queue.sent) == 1


def test_the_log_holds_no_secret_no_path_and_no_answer(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Answer:
        raise RuntimeError("said by the receiver")

    callers: list[Callable[..., Answer]] = [lambda *_: Answer(500, b"said by the receiver"), broken]
    for call in callers:
        sender = Sender(type("Caller", (), {"post": staticmethod(call)})())
        sender.services.webhooks.insert(webhook(url="https://hooks.example.com/confidential"))
        (body,) = sender.deliveries()
        assert sender.handle(body) == [MESSAGE_ID]
    shown = capsys.readouterr().out + caplog.text
    assert "message handled" in shown
    assert "message not handled" in shown
    for secret in ("confidential", SECRET.text, "said by"):
        assert secret not in shown
