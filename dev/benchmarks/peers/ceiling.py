"""Measures how many requests the local AWS takes at most. No contestant on it can be faster than that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from dev.benchmarks.peers.counted_stack import CountedStack
from dev.benchmarks.peers.rounds import Sample

NAME = "local AWS alone"
THREADS = (8, 16)
_SECONDS = 3.0


def ceiling(stack: CountedStack) -> Iterator[Sample]:
    """Measures UpdateItem calls a second, and messages handled a second (sent, received, deleted), by one client."""
    tables, queues = stack.client("dynamodb"), stack.client("sqs")
    tables.create_table(
        TableName="ceiling",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    queue_url = queues.create_queue(QueueName="ceiling")["QueueUrl"]
    try:
        for threads in THREADS:
            updates = _rate(threads, partial(_update, stack.client("dynamodb", threads=threads)))
            yield Sample(NAME, f"{threads} threads", "UpdateItem", "requests/s", updates)
            messages = _rate(threads, partial(_pass_on, stack.client("sqs", threads=threads), queue_url))
            yield Sample(NAME, f"{threads} threads", "SQS send, receive, delete", "messages/s", messages)
    finally:
        queues.delete_queue(QueueUrl=queue_url)
        tables.delete_table(TableName="ceiling")


def _update(client: Any, number: int) -> None:
    client.update_item(
        TableName="ceiling",
        Key={"id": {"S": str(number)}},
        UpdateExpression="ADD hits :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def _pass_on(client: Any, queue_url: str, _number: int) -> None:
    client.send_message(QueueUrl=queue_url, MessageBody="x" * 100)
    for message in client.receive_message(QueueUrl=queue_url, WaitTimeSeconds=0).get("Messages", []):
        client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _rate(threads: int, call: Callable[[int], None]) -> float:
    """Returns the calls a second that `threads` threads make together."""
    until_s = time.monotonic() + _SECONDS

    def work(number: int) -> int:
        done = 0
        while time.monotonic() < until_s:
            call(number)
            done += 1
        return done

    began_s = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(work, range(threads)))
    return done / (time.monotonic() - began_s)
