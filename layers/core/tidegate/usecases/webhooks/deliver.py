"""Takes messages of the queue of webhooks: an event becomes a delivery for each webhook that wants it.

A delivery is one message until it succeeds. Each receipt of the message is an attempt, and after one that failed the
message is postponed (`DELAYS_SECONDS`). After the last attempt the queue moves it to its dead letters. So the queue
alone counts, and no message is ever written anew. A delivery to a webhook that rests after a slow failure is postponed
without a call, as if that had failed; the last attempt is made in any case.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.audit import subject_of
from tidegate.domain.callers import Caller, CallerKind
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.webhooks import (
    NOTED_SUCCESS_MS,
    Outcome,
    SeenEvent,
    Webhook,
    body_of,
    delay_seconds,
    read_event,
)
from tidegate.ports import DeliveryQueue, WebhookMessage
from tidegate.usecases.callers.audited import Asked, audited
from tidegate.usecases.services import Services
from tidegate.usecases.webhooks.attempt import Told, Tools, log, tell

_LOGGER = logging.getLogger(__name__)
_GONE = 410
# After a call that took this long and failed, a webhook rests for so many times as long. So a receiver that does not
# answer takes at most a fifth of a process's time from the others.
_SLOW_MS = 1_000
_RESTS = 4
SENDER = Caller("", "the sender of webhooks", CallerKind.PROGRAM)


class Done(StrEnum):
    """The fate of a message."""

    FANNED_OUT = "fanned-out"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    POSTPONED = "postponed"
    GIVEN_UP = "given-up"

    @property
    def is_finished(self) -> bool:
        """Tells whether the queue may forget the message."""
        return self not in (Done.POSTPONED, Done.GIVEN_UP)


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the queue handed it over.

    `number` counts how often it was received, from 1. `sent_at_ms` is when it was queued, in milliseconds since the
    epoch.
    """

    message: WebhookMessage
    receipt: str
    number: int
    sent_at_ms: int


def take(services: Services, queue: DeliveryQueue, tools: Tools, received: Received) -> Done:
    """Handles one message and says what became of it.

    Raises ValueError for an event that tidegate did not put on the bus; such a message goes to the dead letters. A
    message that fails in between comes again. An event costs one query and one call of the queue for ten deliveries, a
    delivery costs one read, at most three writes and one call of the queue.
    """
    event = read_event(received.message.detail_type, received.message.detail)
    try:
        if not received.message.webhook_id:
            return fan_out(services, queue, received.message, event)
        return _deliver(services, queue, tools, received, event)
    except ServiceUnavailable:
        _postpone(services, queue, received)
        raise


def fan_out(services: Services, queue: DeliveryQueue, message: WebhookMessage, event: SeenEvent) -> Done:
    """Queues a delivery of an event for each enabled webhook that wants it."""
    wanted = [
        WebhookMessage(webhook.webhook_id, message.detail_type, message.detail)
        for webhook in services.webhooks.list_all()
        if webhook.is_enabled and webhook.filter.fits(event)
    ]
    if wanted:
        queue.send(wanted)
    return Done.FANNED_OUT


def _deliver(
    services: Services, queue: DeliveryQueue, tools: Tools, received: Received, event: SeenEvent
) -> Done:
    webhook = services.webhooks.get(received.message.webhook_id)
    if webhook is None:
        return Done.DROPPED
    if (
        not webhook.is_enabled
    ):  # it waits as if the attempt had failed, and goes out if the webhook is enabled in time
        return _postpone(services, queue, received)
    last = delay_seconds(received.number, 0.0) is None
    if not last and tools.stopwatch.now_ms() < tools.rests.get(webhook.webhook_id, 0):
        return _postpone(services, queue, received)
    told = tell(tools, webhook, event.event_id, body_of(event))
    if not told.is_success and told.took_ms >= _SLOW_MS:
        tools.rests[webhook.webhook_id] = tools.stopwatch.now_ms() + _RESTS * told.took_ms
    else:
        tools.rests.pop(webhook.webhook_id, None)
    gone = told.answer is not None and told.answer.status == _GONE
    outcome = Outcome.DELIVERED if told.is_success else Outcome.GIVEN_UP if gone or last else Outcome.RETRIED
    log(
        services,
        webhook,
        told,
        event_id=event.event_id,
        event_type=event.type,
        number=received.number,
        outcome=outcome,
    )
    if told.is_success:
        _note_success(services, webhook, told)
        return Done.DELIVERED
    if gone:  # the receiver asks for no further deliveries; source: Standard Webhooks 1.0.0, "Deliverability"
        if _disable(services, tools, webhook, "its receiver answered 410 Gone", since_ms=told.at_ms):
            return Done.DROPPED
        # An operator gave it another address meanwhile, or its receiver took another delivery: this one is still due.
        return _postpone(services, queue, received)
    if last:
        reason = f"no delivery succeeded for a day; the last attempt ended with {told.short}"
        _disable(services, tools, webhook, reason, since_ms=received.sent_at_ms)
    return _postpone(services, queue, received)


def _postpone(services: Services, queue: DeliveryQueue, received: Received) -> Done:
    """Leaves a message for its next attempt, after the last one for the dead letters."""
    seconds = delay_seconds(received.number, services.entropy.jitter())
    queue.postpone(received.receipt, seconds or 0)
    return Done.GIVEN_UP if seconds is None else Done.POSTPONED


def _note_success(services: Services, webhook: Webhook, told: Told) -> None:
    """Notes the success, unless one was noted lately. The delivery must not be repeated if that fails."""
    if told.at_ms - (webhook.last_success_at_ms or 0) < NOTED_SUCCESS_MS:
        return
    try:
        services.webhooks.note_success(webhook.webhook_id, told.at_ms)
    except (ServiceRefused, ServiceUnavailable) as error:
        _LOGGER.error("a success of webhook %s was not noted: %s", webhook.webhook_id, error)


def _disable(services: Services, tools: Tools, webhook: Webhook, reason: str, *, since_ms: int) -> bool:
    """Disables a webhook that had no success and no change since `since_ms`, and records that in the audit trail.

    Returns whether it did.
    """
    if max(webhook.changed_at_ms, webhook.last_success_at_ms or 0) >= since_ms:
        return False
    asked = Asked("webhook.disable", subject_of("webhook", webhook.webhook_id), SENDER, "functions/webhooks")
    with audited(services, asked, tools.clock.now_ms) as record:
        disabled = services.webhooks.disable_if_failing(
            webhook.webhook_id, reason, since_ms=since_ms, now_ms=tools.clock.now_ms()
        )
        if disabled:
            record.change(before={"enabled": True}, after={"enabled": False, "reason": reason})
            _LOGGER.error("webhook %s is disabled: %s", webhook.webhook_id, reason)
    return disabled
