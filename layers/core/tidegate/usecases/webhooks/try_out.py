"""Sends a test delivery to a webhook while its operator waits."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.callers import Caller
from tidegate.domain.webhooks import TEST_EVENT, DeliveryAttempt, Outcome, body_with
from tidegate.usecases.services import Services
from tidegate.usecases.webhooks.attempt import Told, Tools, log, tell
from tidegate.usecases.webhooks.manage import check_sending, find_webhook


@dataclass(frozen=True, slots=True)
class TriedOut:
    """A test delivery as it was logged, with what the receiver said."""

    attempt: DeliveryAttempt
    told: Told


def try_out(services: Services, tools: Tools, webhook_id: str, at: str, *, caller: Caller) -> TriedOut:
    """Sends one test delivery, signed as any other, also to a disabled webhook. It is never repeated.

    `at` is the time on the wire. Raises NotFound, InvalidRequest where the deployment sends no webhooks, and
    ServiceUnavailable. Takes at most as long as a call outside may. Costs one read and one write.
    """
    del caller  # the audit trail names it
    check_sending(services)
    webhook = find_webhook(services, webhook_id)
    message_id = f"test_{services.entropy.new_ulid(tools.clock.now_ms())}"
    told = tell(tools, webhook, message_id, body_with(TEST_EVENT, at, {"webhook": {"id": webhook_id}}))
    attempt = log(
        services,
        webhook,
        told,
        event_id=message_id,
        event_type=TEST_EVENT,
        number=1,
        outcome=Outcome.TESTED,
    )
    return TriedOut(attempt, told)
