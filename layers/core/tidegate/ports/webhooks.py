"""The ports of webhooks: the store of them and of their log, and the queue of deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidegate.domain.webhooks import DeliveryAttempt, Webhook


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """An event on its way to one webhook. `detail_type` and `detail` are as the bus passed them on."""

    webhook_id: str
    detail_type: str
    detail: Mapping[str, Any]


class WebhookStore(Protocol):
    """Stores webhooks, and for a few days the attempts to deliver events to them."""

    def list_all(self) -> tuple[Webhook, ...]:
        """Returns all webhooks by id, from consistent reads. There are about `MAX_WEBHOOKS` at most."""
        ...

    def get(self, webhook_id: str) -> Webhook | None:
        """Returns a webhook from a consistent read, None if there is none."""
        ...

    def insert(self, webhook: Webhook) -> bool:
        """Stores a new webhook. Returns False if one with its id exists."""
        ...

    def save_if_unchanged(self, webhook: Webhook) -> bool:
        """Stores what callers set of a webhook, if its version is still `webhook.version`; the version then rises.

        Returns whether it did. The latest success stays as it is.
        """
        ...

    def disable_if_failing(self, webhook_id: str, reason: str, *, since_ms: int, now_ms: int) -> bool:
        """Disables a webhook if it is enabled, nobody changed it since `since_ms`, and no success came since then.

        `changed_by` is then empty. The version rises. Returns whether it did. Times are in milliseconds.
        """
        ...

    def note_success(self, webhook_id: str, at_ms: int) -> bool:
        """Notes when the last delivery succeeded, if a later success is not noted and the webhook exists."""
        ...

    def remove(self, webhook_id: str) -> bool:
        """Removes a webhook. Returns False if there was none. Its log stays until its time."""
        ...

    def log(self, attempt: DeliveryAttempt) -> None:
        """Adds an attempt to the log of its webhook."""
        ...

    def attempts(
        self, webhook_id: str, *, limit: int, before: str | None = None
    ) -> tuple[DeliveryAttempt, ...]:
        """Returns at most `limit` attempts, latest first, with ids that sort before `before`."""
        ...


class DeliveryQueue(Protocol):
    """The queue that events and their deliveries wait in."""

    def send(self, messages: Sequence[WebhookMessage]) -> None:
        """Queues deliveries. Raises ServiceUnavailable if some were not taken; queueing all again is harmless."""
        ...

    def postpone(self, receipt: str, seconds: int) -> None:
        """Makes a message that was received visible again after `seconds` (0-43,200), and not before."""
        ...
