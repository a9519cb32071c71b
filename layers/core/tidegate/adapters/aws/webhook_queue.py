"""The queue of webhooks on SQS: events from the bus, and their deliveries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.adapters.aws.calls import chunks, compact_json
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import translated
from tidegate.domain.events import SOURCE
from tidegate.ports import WebhookMessage

_ACTION = "queueing deliveries to webhooks"
_MESSAGES_PER_CALL = 10
# A message of 256 KB, the most that the bus takes, fills a call of 1 MiB only together with three others.
_BYTES_PER_CALL = 900_000


@dataclass(frozen=True, slots=True)
class SqsDeliveryQueue:
    """Sends deliveries to one queue and postpones them there; see ports.DeliveryQueue."""

    clients: AwsClients
    url: str

    def send(self, messages: Sequence[WebhookMessage]) -> None:
        """Queues deliveries, ten a call. Those that the queue did not take are sent again, for a bounded time."""
        effort = self.clients.effort()
        for chunk in chunks([_body_of(message) for message in messages], _MESSAGES_PER_CALL):
            for bodies in _fitting(chunk):
                self.clients.until_all_done(_ACTION, bodies, self._send, effort)

    def _send(self, bodies: Sequence[str]) -> Sequence[str]:
        """Sends bodies in one call. Returns those that the queue did not take."""
        entries: Any = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        with translated(_ACTION):
            answer = self.clients.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
        return [bodies[int(failed["Id"])] for failed in answer.get("Failed", ())]

    def postpone(self, receipt: str, seconds: int) -> None:
        """Makes a message visible again after `seconds`."""
        with translated("postponing a delivery to a webhook"):
            self.clients.sqs.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )


def _fitting(bodies: Sequence[str]) -> list[list[str]]:
    """Returns the bodies in lists of which each fits into one call."""
    lists: list[list[str]] = [[]]
    size = 0
    for body in bodies:
        length = len(body.encode())
        if lists[-1] and size + length > _BYTES_PER_CALL:
            lists.append([])
            size = 0
        lists[-1].append(body)
        size += length
    return lists


def _body_of(message: WebhookMessage) -> str:
    return compact_json(
        {
            "webhook": message.webhook_id,
            "source": SOURCE,
            "detail-type": message.detail_type,
            "detail": dict(message.detail),
        }
    )


def webhook_message_from(body: str) -> WebhookMessage | None:
    """Returns the message of a body: an event of the bus has an empty `webhook_id`. None for any other body."""
    try:
        fields: Mapping[str, Any] = json.loads(body)
        if fields["source"] != SOURCE:
            return None
        webhook_id, detail_type, detail = fields.get("webhook", ""), fields["detail-type"], fields["detail"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    texts = isinstance(webhook_id, str) and isinstance(detail_type, str)
    return WebhookMessage(webhook_id, detail_type, detail) if texts and isinstance(detail, dict) else None
