"""Webhooks and the attempts to deliver to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from tidegate_client.models.base import Model


class Webhook(Model):
    """A webhook, without its secrets.

    `disabled_reason` is None while it is enabled. `old_secret_until` is when the replaced secret stops to sign, None
    where none signs.
    """

    id: str
    url: str
    description: str | None = None
    enabled: bool
    disabled_reason: str | None = None
    events: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    tags: Mapping[str, str] = Field(default_factory=dict)
    last_success_at: datetime | None = None
    old_secret_until: datetime | None = None
    created_by: str
    created_at: datetime | None = None
    changed_by: str
    changed_at: datetime | None = None


class NewSecret(Model):
    """A webhook with its new secret. No later answer shows it, so store it at the receiver."""

    webhook: Webhook
    secret: str = Field(repr=False)


class Delivery(Model):
    """One attempt to deliver an event. `status` is the receiver's; without an answer `fault` says why none came."""

    id: str
    event_id: str
    event_type: str
    attempt: int
    at: datetime | None = None
    took_seconds: float
    outcome: str
    status: int | None = None
    fault: str | None = None


class Tested(Model):
    """The outcome of a test delivery. `answer` is the beginning of the receiver's answer, `message` why none came."""

    delivery: Delivery
    succeeded: bool
    answer: str | None = None
    message: str | None = None
