"""An event as EventBridge hands it to the target of a rule."""

from __future__ import annotations

from typing import Any

from tidegate.adapters.aws.event_bus import detail_of
from tidegate.domain.events import SOURCE, Event


def envelope_of(event: Event) -> dict[str, Any]:
    """Returns an event as EventBridge hands it to a target. Its own `id` is another one with each PutEvents."""
    detail = detail_of(event)
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": str(event.type),
        "source": SOURCE,
        "account": "123456789012",
        "time": f"{detail['at'][:19]}Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": detail,
    }
