"""Webhooks, their log and their queue in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.webhooks import DeliveryAttempt, Webhook
from tidegate.ports import WebhookMessage


class MemoryWebhookStore:
    """Keeps webhooks in a `MemoryWorld`; see ports.WebhookStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def list_all(self) -> tuple[Webhook, ...]:
        """Returns all webhooks by id."""
        self._world.charge("list_webhooks")
        with self._world.lock:
            return tuple(self._world.webhooks[name] for name in sorted(self._world.webhooks))

    def get(self, webhook_id: str) -> Webhook | None:
        """Returns a webhook."""
        self._world.charge("get_webhook")
        with self._world.lock:
            return self._world.webhooks.get(webhook_id)

    def insert(self, webhook: Webhook) -> bool:
        """Stores a new webhook."""
        self._world.charge("insert_webhook")
        with self._world.lock:
            return self._world.webhooks.setdefault(webhook.webhook_id, webhook) == webhook

    def save_if_unchanged(self, webhook: Webhook) -> bool:
        """Stores what callers set of a webhook if its version is unchanged."""
        self._world.charge("save_webhook")
        with self._world.lock:
            standing = self._world.webhooks.get(webhook.webhook_id)
            if standing is None or standing.version != webhook.version:
                return False
            self._world.webhooks[webhook.webhook_id] = replace(
                webhook, version=webhook.version + 1, last_success_at_ms=standing.last_success_at_ms
            )
            return True

    def disable_if_failing(self, webhook_id: str, reason: str, *, since_ms: int, now_ms: int) -> bool:
        """Disables a webhook that is enabled and had neither a success nor a change since `since_ms`."""
        self._world.charge("disable_webhook")
        with self._world.lock:
            standing = self._world.webhooks.get(webhook_id)
            if standing is None or not standing.is_enabled or standing.changed_at_ms >= since_ms:
                return False
            if standing.last_success_at_ms is not None and standing.last_success_at_ms >= since_ms:
                return False
            self._world.webhooks[webhook_id] = replace(
                standing,
                disabled_reason=reason,
                changed_by="",
                changed_at_ms=now_ms,
                version=standing.version + 1,
            )
            return True

    def note_success(self, webhook_id: str, at_ms: int) -> bool:
        """Notes when the last delivery succeeded."""
        self._world.charge("note_webhook")
        with self._world.lock:
            standing = self._world.webhooks.get(webhook_id)
            if standing is None or (standing.last_success_at_ms or -1) >= at_ms:
                return False
            self._world.webhooks[webhook_id] = replace(standing, last_success_at_ms=at_ms)
            return True

    def remove(self, webhook_id: str) -> bool:
        """Removes a webhook."""
        self._world.charge("remove_webhook")
        with self._world.lock:
            return self._world.webhooks.pop(webhook_id, None) is not None

    def log(self, attempt: DeliveryAttempt) -> None:
        """Adds an attempt to the log."""
        self._world.charge("log_delivery")
        with self._world.lock:
            self._world.delivery_attempts[attempt.webhook_id, attempt.attempt_id] = attempt

    def attempts(
        self, webhook_id: str, *, limit: int, before: str | None = None
    ) -> tuple[DeliveryAttempt, ...]:
        """Returns attempts, latest first."""
        self._world.charge("page_of_deliveries")
        with self._world.lock:
            found = sorted(
                (attempt_id, attempt)
                for (held_for, attempt_id), attempt in self._world.delivery_attempts.items()
                if held_for == webhook_id and (before is None or attempt_id < before)
            )
        return tuple(attempt for _, attempt in reversed(found))[:limit]


class MemoryDeliveryQueue:
    """Keeps deliveries and how long they are postponed; see ports.DeliveryQueue."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world
        self.sent: list[WebhookMessage] = []
        self.postponed: list[tuple[str, int]] = []

    def send(self, messages: Sequence[WebhookMessage]) -> None:
        """Queues deliveries."""
        self._world.charge("send_deliveries")
        self.sent += messages

    def postpone(self, receipt: str, seconds: int) -> None:
        """Postpones a message."""
        self._world.charge("postpone_delivery")
        self.postponed.append((receipt, seconds))
