"""The work of the sender of webhooks, each part with a world that needs it."""

from __future__ import annotations

from typing import Any

from tests.harness.determined import StandingClock
from tests.harness.domain.webhook_samples import on_the_bus, webhook
from tests.harness.e2e.permissions.world import World, now_ms
from tests.harness.outside.staged import FINE, Said, StagedCaller
from tidegate.adapters.aws.webhook_queue import SqsDeliveryQueue
from tidegate.bootstrap import Services
from tidegate.domain.outside_calls import Answer
from tidegate.domain.webhooks import Outcome
from tidegate.ports import WebhookMessage
from tidegate.usecases.webhooks.attempt import Tools
from tidegate.usecases.webhooks.deliver import Done, Received, take


def _take(world: World, services: Services, *, to: str, says: Said, number: int = 1) -> Done:
    """Queues a message as an administrator, receives it, and lets the sender take it."""
    url = world.stack.outputs["WebhooksQueueUrl"]
    admin, event = SqsDeliveryQueue(world.clients, url), on_the_bus()
    admin.send([WebhookMessage(to, event["detail-type"], event["detail"])])
    message: Any = world.clients.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]
    sender = SqsDeliveryQueue(services.webhooks.clients, url)  # type: ignore[attr-defined]  # the role's own clients
    clock = StandingClock(now_ms())
    try:
        return take(
            services,
            sender,
            Tools(StagedCaller([says]), clock, clock),
            Received(
                WebhookMessage(to, event["detail-type"], event["detail"]),
                message["ReceiptHandle"],
                number,
                now_ms(),
            ),
        )
    finally:
        world.clients.sqs.purge_queue(QueueUrl=url)


def fans_an_event_out(world: World, services: Services) -> None:
    world.admin.webhooks.insert(webhook())
    assert _take(world, services, to="", says=FINE) is Done.FANNED_OUT


def delivers_and_notes_the_success(world: World, services: Services) -> None:
    world.admin.webhooks.insert(webhook())
    assert _take(world, services, to=webhook().webhook_id, says=FINE) is Done.DELIVERED
    (logged,) = world.admin.webhooks.attempts(webhook().webhook_id, limit=5)
    assert logged.outcome is Outcome.DELIVERED
    found = world.admin.webhooks.get(webhook().webhook_id)
    assert found is not None
    assert found.last_success_at_ms is not None


def postpones_a_failure(world: World, services: Services) -> None:
    world.admin.webhooks.insert(webhook())
    assert _take(world, services, to=webhook().webhook_id, says=Answer(500)) is Done.POSTPONED


def disables_a_receiver_that_is_gone(world: World, services: Services) -> None:
    world.admin.webhooks.insert(webhook())
    assert _take(world, services, to=webhook().webhook_id, says=Answer(410)) is Done.DROPPED
    found = world.admin.webhooks.get(webhook().webhook_id)
    assert found is not None
    assert not found.is_enabled


WEBHOOK_PROBES = (
    fans_an_event_out,
    delivers_and_notes_the_success,
    postpones_a_failure,
    disables_a_receiver_that_is_gone,
)
