"""Webhooks and events for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tidegate.domain.events import EventType
from tidegate.domain.ids import first_ulid
from tidegate.domain.webhooks import DeliveryAttempt, Filter, Outcome, Secret, Webhook

EVENTS = Path(__file__).resolve().parents[3] / "events"
WEBHOOK_ID = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"
OTHER_ID = "01KATDPGZ8M5B6W2Y3Q7RVXN4D"
URL = "https://hooks.example.com/in"
BY = "arn:aws:iam::123456789012:user/ann"
AT_MS = 1_796_000_000_000
SECRET = Secret("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
OLD_SECRET = Secret("whsec_YWJjZGVmZ2hpamtsbW5vcGFiY2RlZmdoaWprbG1ub3A=", AT_MS + 1)


def webhook(webhook_id: str = WEBHOOK_ID, **changes: Any) -> Webhook:
    """Returns an enabled webhook that wants every event."""
    values: dict[str, Any] = {
        "webhook_id": webhook_id,
        "url": URL,
        "description": None,
        "filter": Filter(),
        "secrets": (SECRET,),
        "created_by": BY,
        "created_at_ms": AT_MS,
        "changed_by": BY,
        "changed_at_ms": AT_MS,
    }
    return Webhook(**{**values, **changes})


def attempt(number: int, webhook_id: str = WEBHOOK_ID, **changes: Any) -> DeliveryAttempt:
    """Returns the attempt of this number, made `number` milliseconds after `AT_MS`."""
    values: dict[str, Any] = {
        "webhook_id": webhook_id,
        "attempt_id": first_ulid(AT_MS + number) + "0" * 16,
        "event_id": "evt_1",
        "event_type": str(EventType.JOB_ENDED),
        "number": number,
        "at_ms": AT_MS + number,
        "took_ms": 12,
        "outcome": Outcome.RETRIED,
        "status": 503,
    }
    return DeliveryAttempt(**{**values, **changes})


def on_the_bus(name: str = "job-ended") -> dict[str, Any]:
    """Returns an event as the bus hands it over, from the samples in `events`."""
    event: dict[str, Any] = json.loads((EVENTS / f"out-{name}.json").read_text(encoding="utf-8"))
    return event
