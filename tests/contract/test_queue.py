"""Every queue behaves the same."""

from __future__ import annotations

import re
from pathlib import Path

from dev.simulator.memory.pool_queue import MOST_RECEIVES, MOST_RECEIVES_OF_PROCESSES
from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tidegate.domain.webhooks import ATTEMPTS
from tidegate.ports import Delivery, Message, QueueDepth
from tidegate.usecases.work.pass_on import MOST_DELIVERIES


def test_every_message_sent_is_received_and_gone_once_deleted(stores: Stores) -> None:
    messages = [Message(f"S.{n}", n % 3) for n in range(23)]
    assert stores.queue.send(POOL, messages) == ()
    deliveries = drain(stores)
    assert sorted(str(each.message) for each in deliveries) == sorted(map(str, messages))
    receipts = [each.receipt for each in deliveries]
    stores.queue.extend(POOL, receipts[0], seconds=0)
    (again,) = drain(stores)
    assert again.message == deliveries[0].message
    stores.queue.delete(POOL, [again.receipt, *receipts[1:]])
    stores.queue.extend(POOL, again.receipt, seconds=30)
    assert drain(stores) == []
    assert stores.queue.send(POOL, []) == ()
    stores.queue.delete(POOL, [])


def test_a_queue_counts_what_it_holds_and_each_delivery(stores: Stores) -> None:
    typed = Message("S.1", 0, 0, NOW_MS, "a.b", 2.5)
    stores.queue.send(POOL, [typed, Message("S.2", 0)])
    assert stores.queue.depth(POOL) == QueueDepth(visible=2, received=0)
    deliveries = {each.message.job_id: each for each in drain(stores)}
    found = deliveries["S.1"].message
    assert (found.type, found.estimated_seconds) == ("a.b", 2.5)
    assert (deliveries["S.2"].message.type, deliveries["S.2"].message.estimated_seconds) == ("", None)
    assert stores.queue.depth(POOL) == QueueDepth(visible=0, received=2)
    stores.queue.extend(POOL, deliveries["S.1"].receipt, seconds=0)
    (again,) = drain(stores)
    assert (deliveries["S.1"].receives, again.receives) == (1, 2)
    stores.queue.delete(POOL, [again.receipt])
    assert stores.queue.depth(POOL) == QueueDepth(visible=0, received=1)


def drain(stores: Stores) -> list[Delivery]:
    deliveries: list[Delivery] = []
    for _ in range(60):
        received = stores.queue.receive(POOL, limit=10, wait_seconds=0)
        assert len(received) <= 10
        if not received:
            break
        deliveries.extend(received)
    return deliveries


def test_a_message_delivered_too_often_is_a_dead_letter_until_it_is_put_away(stores: Stores) -> None:
    stores.queue.send(POOL, [Message("poison", 0)])
    for _ in range(MOST_RECEIVES):
        (delivery,) = stores.queue.receive(POOL, limit=10, wait_seconds=0)
        assert not stores.queue.receive_dead(POOL, limit=10)
        stores.queue.extend(POOL, delivery.receipt, seconds=0)
    assert not stores.queue.receive(POOL, limit=10, wait_seconds=0)
    (dead,) = stores.queue.receive_dead(POOL, limit=10)
    assert dead.message == Message("poison", 0)
    stores.queue.delete_dead(POOL, [dead.receipt])
    assert not stores.queue.receive_dead(POOL, limit=10)


def test_the_template_gives_up_a_message_after_as_many_deliveries() -> None:
    template = (Path(__file__).resolve().parents[2] / "template.yaml").read_text(encoding="utf-8")
    counts = re.findall(
        r"deadLetterTargetArn: !GetAtt (\w+)\.Arn\n(?: +#.*\n)* +maxReceiveCount: (\d+)", template
    )
    assert len(counts) == template.count("maxReceiveCount:")
    assert dict(counts) == {
        "LambdaPoolDeadLetters": str(MOST_RECEIVES),
        "EcsPoolDeadLetters": str(MOST_RECEIVES_OF_PROCESSES),
        "WebhooksDeadLetters": str(ATTEMPTS),
    }
    assert MOST_DELIVERIES + 5 < MOST_RECEIVES_OF_PROCESSES, (
        "a worker that dies with a message costs deliveries as well"
    )
