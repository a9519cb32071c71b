"""The queues of pools on SQS."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from tidegate.adapters.aws.calls import chunks, compact_json
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.effort import Effort
from tidegate.adapters.aws.errors import translated
from tidegate.domain import limits
from tidegate.domain.errors import NotFound, ServiceUnavailable
from tidegate.ports import Delivery, Message, QueueDepth

_MESSAGES_PER_CALL = 10
_FOREIGN_BATCHES = 10
_Received: TypeAlias = tuple[Message | None, str, int]
# botocore returns the codes of SQS's older protocol if the answer names them; there the last code has a prefix.
_GONE = (
    "ReceiptHandleIsInvalid",
    "InvalidParameterValue",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
)


def message_body(message: Message) -> str:
    """Returns a message as the JSON body that is sent; fields that are 0 or unknown are left out."""
    reopened = {"reopened": message.reopened} if message.reopened else {}
    queued = {"queued_at_ms": message.queued_at_ms} if message.queued_at_ms else {}
    typed = {"type": message.type} if message.type else {}
    estimate = message.estimated_seconds
    estimated = {} if estimate is None else {"estimated_seconds": estimate}
    second = {"second": True} if message.second else {}
    fields = {
        "job_id": message.job_id,
        "attempt": message.attempt,
        **reopened,
        **queued,
        **typed,
        **estimated,
        **second,
    }
    return compact_json(fields)


def message_from(body: str) -> Message | None:
    """Returns the message of a body, or None if it is not a message of tidegate."""
    try:
        fields = json.loads(body)
        job_id = fields["job_id"]
        counts = fields["attempt"], fields.get("reopened", 0), fields.get("queued_at_ms", 0)
        job_type, estimate = fields.get("type", ""), fields.get("estimated_seconds")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    # A malformed id would fail the whole batch request that contains it, and with it the jobs of other messages.
    is_id = isinstance(job_id, str) and job_id.isascii() and 1 <= len(job_id) <= limits.MAX_JOB_ID_CHARACTERS
    are_counts = all(isinstance(count, int) and count >= 0 for count in counts)
    if not (is_id and are_counts):
        return None
    # A malformed type or estimate is dropped, because a worker uses them only to save itself a claim.
    named = isinstance(job_type, str) and len(job_type) <= limits.MAX_TYPE_CHARACTERS
    numbers = isinstance(estimate, int | float) and not isinstance(estimate, bool)
    known = numbers and 0 <= estimate <= limits.MAX_ESTIMATED_DURATION_SECONDS
    # A worker of an earlier version takes an offer for a message about an attempt that was claimed, and drops it.
    second = fields.get("second") is True
    return Message(job_id, *counts, job_type if named else "", float(estimate) if known else None, second)


def _readable(received: Sequence[_Received]) -> tuple[Delivery, ...]:
    return tuple(
        Delivery(message, receipt, receives) for message, receipt, receives in received if message is not None
    )


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """Sends and receives messages on one standard queue for each pool and one for its dead letters.

    URLs are by pool. Its methods raise NotFound for an unknown pool.
    """

    clients: AwsClients
    urls: Mapping[str, str]
    dead_letters_urls: Mapping[str, str]

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Sends ten messages a call, several calls in parallel.

        Returns the messages that stay unsent after bounded retries.
        """
        url = self._url(pool)
        effort = self.clients.effort()
        unsent = self.clients.fan_out.map(
            lambda batch: self._send_batch(url, batch, effort), chunks(messages, _MESSAGES_PER_CALL)
        )
        return tuple(message for batch in unsent for message in batch)

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        """Returns at most `limit` messages (1-10); waits at most `wait_seconds` (0-20, rounded up) for the first.

        A body that is not a message of tidegate is left alone; the queue moves it to its dead letters.
        """
        return _readable(self._receive_any(self._url(pool), pool, limit, math.ceil(wait_seconds)))

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        """Returns at most `limit` (1-10) dead letters; never waits.

        Returns none for a pool without a dead-letter queue. Foreign messages are skipped and left for their sender to
        find.
        """
        if pool not in self.dead_letters_urls:
            return ()
        for _ in range(_FOREIGN_BATCHES):
            received = self._receive_any(_of(self.dead_letters_urls, pool), pool, limit, 0)
            ours = _readable(received)
            if ours or not received:
                return ours
        return ()

    def _receive_any(self, url: str, pool: str, limit: int, wait_seconds: int) -> Sequence[_Received]:
        with translated(f"receiving from the queue of pool {pool}"):
            answer = self.clients.sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(limit, _MESSAGES_PER_CALL),
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [
            (
                message_from(raw.get("Body", "")),
                raw["ReceiptHandle"],
                int(raw.get("Attributes", {}).get("ApproximateReceiveCount", "1")),
            )
            for raw in answer.get("Messages", ())
        ]

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries; a message whose deletion fails is delivered again, and its claim is refused then."""
        self._delete(self._url(pool), pool, receipts)

    def delete_dead(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries of dead letters."""
        self._delete(_of(self.dead_letters_urls, pool), pool, receipts)

    def _delete(self, url: str, pool: str, receipts: Sequence[str]) -> None:
        action = f"deleting from the queue of pool {pool}"

        def attempt(left: Sequence[str]) -> Sequence[str]:
            entries: Any = [{"Id": str(n), "ReceiptHandle": receipt} for n, receipt in enumerate(left)]
            with translated(action):
                answer = self.clients.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
            # A SenderFault means that the delivery is long over, so there is nothing left to acknowledge.
            return [
                left[int(failed["Id"])] for failed in answer.get("Failed", ()) if not failed["SenderFault"]
            ]

        effort = self.clients.effort()
        self.clients.fan_out.map(
            lambda batch: self.clients.until_all_done(action, batch, attempt, effort),
            chunks(receipts, _MESSAGES_PER_CALL),
        )

    def depth(self, pool: str) -> QueueDepth:
        """Returns about how many messages the queue holds.

        The numbers are right about a minute after the queue has come to rest. Source: Amazon SQS API Reference,
        GetQueueAttributes.
        """
        with translated(f"counting the messages of pool {pool}"):
            answer = self.clients.sqs.get_queue_attributes(
                QueueUrl=self._url(pool),
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )
        counts = answer["Attributes"]
        return QueueDepth(
            visible=int(counts["ApproximateNumberOfMessages"]),
            received=int(counts["ApproximateNumberOfMessagesNotVisible"]),
        )

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        """Keeps a delivery invisible for `seconds` from now (0-43,200); does nothing if it is gone."""
        try:
            with translated(f"extending a message of pool {pool}", passing=_GONE):
                self.clients.sqs.change_message_visibility(
                    QueueUrl=self._url(pool), ReceiptHandle=receipt, VisibilityTimeout=seconds
                )
        except ClientError:
            return

    def _url(self, pool: str) -> str:
        return _of(self.urls, pool)

    def _send_batch(self, url: str, messages: Sequence[Message], effort: Effort) -> Sequence[Message]:
        unsent = messages

        def attempt(left: Sequence[Message]) -> Sequence[Message]:
            nonlocal unsent
            unsent = left
            entries: Any = [
                {"Id": str(number), "MessageBody": message_body(message)}
                for number, message in enumerate(left)
            ]
            with translated("sending messages"):
                answer = self.clients.sqs.send_message_batch(QueueUrl=url, Entries=entries)
            unsent = [left[int(failed["Id"])] for failed in answer.get("Failed", ())]
            return unsent

        # If an answer was lost, some messages may have been sent; sending them again is harmless.
        with suppress(ServiceUnavailable):
            self.clients.until_all_done("sending messages", messages, attempt, effort)
        return unsent


def _of(urls: Mapping[str, str], pool: str) -> str:
    try:
        return urls[pool]
    except KeyError:
        raise NotFound("pool", pool) from None
