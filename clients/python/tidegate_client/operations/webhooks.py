"""The routes of webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate_client.models.base import list_reader, page_reader, reader
from tidegate_client.models.webhooks import Delivery, NewSecret, Tested, Webhook
from tidegate_client.operations.jobs import KEPT, Kept
from tidegate_client.wire import Listing, Operation, key_or_new, request


def list_webhooks() -> Operation[tuple[Webhook, ...]]:
    """Lists all webhooks, oldest first."""
    return Operation(request("GET", "/v1/webhooks"), list_reader(Webhook, "webhooks"))


def get_webhook(webhook_id: str) -> Operation[Webhook]:
    """Reads one webhook. Raises NotFound."""
    return Operation(request("GET", "/v1/webhooks/{}", webhook_id), reader(Webhook))


def create_webhook(
    url: str,
    *,
    description: str | None = None,
    events: Sequence[str] = (),
    types: Sequence[str] = (),
    pools: Sequence[str] = (),
    states: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Operation[NewSecret]:
    """Makes a webhook, and returns it with its secret, which no later answer shows.

    It is told of the events for which every filter holds; an empty filter always holds. A second call with
    the same `idempotency_key` returns the same webhook; without a key the client makes a new one.
    """
    body: dict[str, Any] = {
        "url": url,
        "description": description,
        "events": list(events),
        "types": list(types),
        "pools": list(pools),
        "states": list(states),
        "tags": dict(tags or {}),
    }
    sent = request("POST", "/v1/webhooks", body=body, idempotency_key=key_or_new(idempotency_key))
    return Operation(sent, reader(NewSecret))


def change_webhook(
    webhook_id: str,
    *,
    url: str | Kept = KEPT,
    description: str | Kept | None = KEPT,
    events: Sequence[str] | Kept = KEPT,
    types: Sequence[str] | Kept = KEPT,
    pools: Sequence[str] | Kept = KEPT,
    states: Sequence[str] | Kept = KEPT,
    tags: Mapping[str, str] | Kept = KEPT,
) -> Operation[Webhook]:
    """Changes a webhook, and returns it after that.

    A value that is not given stays. An empty filter always holds. Raises NotFound and InvalidRequest.
    """
    filters = {"events": events, "types": types, "pools": pools, "states": states}
    lists = {name: each if isinstance(each, Kept) else list(each) for name, each in filters.items()}
    given = {"url": url, "description": description, **lists, "tags": tags}
    body = {name: value for name, value in given.items() if not isinstance(value, Kept)}
    return Operation(request("PATCH", "/v1/webhooks/{}", webhook_id, body=body), reader(Webhook))


def remove_webhook(webhook_id: str) -> Operation[Webhook]:
    """Removes a webhook, and returns it as it was. Raises NotFound."""
    return Operation(request("DELETE", "/v1/webhooks/{}", webhook_id), reader(Webhook))


def rotate_webhook(webhook_id: str, *, idempotency_key: str | None = None) -> Operation[NewSecret]:
    """Gives a webhook a new secret, and returns it. The one before it signs on for a day.

    A second call with the same `idempotency_key` returns the same secret; without a key the client makes a new one.
    """
    key = key_or_new(idempotency_key)
    return Operation(
        request("POST", "/v1/webhooks/{}/rotate", webhook_id, idempotency_key=key), reader(NewSecret)
    )


def enable_webhook(webhook_id: str) -> Operation[Webhook]:
    """Enables a webhook, and returns it. A second call has no further effect."""
    return Operation(request("POST", "/v1/webhooks/{}/enable", webhook_id), reader(Webhook))


def disable_webhook(webhook_id: str) -> Operation[Webhook]:
    """Disables a webhook, and returns it. A second call has no further effect."""
    return Operation(request("POST", "/v1/webhooks/{}/disable", webhook_id), reader(Webhook))


def try_webhook(webhook_id: str) -> Operation[Tested]:
    """Sends a test delivery, and returns what the receiver answered. It takes up to 15 seconds."""
    return Operation(request("POST", "/v1/webhooks/{}/test", webhook_id), reader(Tested))


def list_deliveries(webhook_id: str, *, page_size: int | None = None) -> Listing[Delivery]:
    """Lists the attempts of the last week to deliver to a webhook, latest first."""
    sent = request("GET", "/v1/webhooks/{}/deliveries", webhook_id, limit=page_size)
    return Listing(sent, page_reader(Delivery, "deliveries"))
