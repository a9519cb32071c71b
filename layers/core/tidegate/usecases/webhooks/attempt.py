"""Makes one attempt to deliver to a webhook, and logs it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.outside_calls import Answer, CallFailed
from tidegate.domain.webhooks import DeliveryAttempt, Outcome, Webhook, headers_of
from tidegate.ports import Clock, OutsideCaller, Stopwatch
from tidegate.usecases.services import Services

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of an attempt beside the services: the caller of hosts outside, a clock and a stopwatch.

    `rests` says until when a webhook that failed is not called again, by the stopwatch. A process keeps it for itself.
    """

    outside: OutsideCaller
    clock: Clock
    stopwatch: Stopwatch
    rests: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """The outcome of a call: its answer or why none came, when it began, and how long it took, in milliseconds."""

    answer: Answer | None
    failure: CallFailed | None
    at_ms: int
    took_ms: int

    @property
    def is_success(self) -> bool:
        """Tells whether the receiver accepted the delivery."""
        return self.answer is not None and self.answer.is_success

    @property
    def short(self) -> str:
        """Returns the status or the fault in a few words, without a text of the receiver."""
        if self.answer is not None:
            return f"status {self.answer.status}"
        return str(self.failure.fault) if self.failure else ""


def tell(tools: Tools, webhook: Webhook, message_id: str, body: bytes) -> Told:
    """Calls the receiver of a webhook once. Never raises CallFailed."""
    at_ms, began_ms = tools.clock.now_ms(), tools.stopwatch.now_ms()
    answer: Answer | None = None
    failure: CallFailed | None = None
    try:
        answer = tools.outside.post(webhook.url, headers_of(webhook, message_id, body, at_ms), body)
    except CallFailed as error:
        failure = error
    return Told(answer, failure, at_ms, tools.stopwatch.now_ms() - began_ms)


def log(
    services: Services,
    webhook: Webhook,
    told: Told,
    *,
    event_id: str,
    event_type: str,
    number: int,
    outcome: Outcome,
) -> DeliveryAttempt:
    """Adds an attempt to the log of its webhook, and returns it.

    Where the log can't be written, that is said in the function's own log only: a delivery must not be repeated for it.
    """
    attempt = DeliveryAttempt(
        webhook_id=webhook.webhook_id,
        attempt_id=services.entropy.new_ulid(told.at_ms),
        event_id=event_id,
        event_type=event_type,
        number=number,
        at_ms=told.at_ms,
        took_ms=told.took_ms,
        outcome=outcome,
        status=None if told.answer is None else told.answer.status,
        fault=None if told.failure is None else str(told.failure.fault),
    )
    try:
        services.webhooks.log(attempt)
    except (ServiceRefused, ServiceUnavailable) as error:
        _LOGGER.error("an attempt to deliver to webhook %s was not logged: %s", webhook.webhook_id, error)
    return attempt
