"""The part of the API's client that keeps webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate_cli import ids
from tidegate_cli.api_answers import objects_of
from tidegate_cli.connection import Connection
from tidegate_client.operations import webhooks


class WebhooksConnection(Connection):
    """Keeps webhooks by a method for each route. The methods raise what those of `Client` raise."""

    def list_webhooks(self) -> list[Mapping[str, Any]]:
        """Returns all webhooks, oldest first, as the API shows them."""
        return objects_of(self._ask(webhooks.list_webhooks), "webhooks")

    def get_webhook(self, webhook_id: str) -> Mapping[str, Any]:
        """Returns one webhook, as the API shows it."""
        return self._ask(webhooks.get_webhook, ids.webhook_id(webhook_id))

    def create_webhook(self, url: str, **filters: Any) -> Mapping[str, Any]:
        """Makes a webhook, and returns it with its secret."""
        return self._ask(webhooks.create_webhook, url, **filters)

    def change_webhook(self, webhook_id: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Changes a webhook, and returns it after that. A second call has no further effect."""
        return self._ask(webhooks.change_webhook, ids.webhook_id(webhook_id), **changes)

    def remove_webhook(self, webhook_id: str) -> Mapping[str, Any]:
        """Removes a webhook, and returns it as it was."""
        return self._ask(webhooks.remove_webhook, ids.webhook_id(webhook_id))

    def rotate_webhook(self, webhook_id: str) -> Mapping[str, Any]:
        """Gives a webhook a new secret, and returns both."""
        return self._ask(webhooks.rotate_webhook, ids.webhook_id(webhook_id))

    def set_webhook_enabled(self, webhook_id: str, enabled: bool) -> Mapping[str, Any]:
        """Enables or disables a webhook, and returns it after that. A second call has no further effect."""
        operation = webhooks.enable_webhook if enabled else webhooks.disable_webhook
        return self._ask(operation, ids.webhook_id(webhook_id))

    def try_webhook(self, webhook_id: str) -> Mapping[str, Any]:
        """Sends a test delivery, and returns what the receiver answered."""
        return self._ask(webhooks.try_webhook, ids.webhook_id(webhook_id))

    def list_deliveries(self, webhook_id: str, *, limit: int) -> list[Mapping[str, Any]]:
        """Returns at most `limit` attempts to deliver to a webhook, latest first."""
        checked = ids.webhook_id(webhook_id)
        return self._list(lambda size: webhooks.list_deliveries(checked, page_size=size), "deliveries", limit)
