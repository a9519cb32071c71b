"""Job types that workers announce, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidegate.adapters.executors.announced_registry import AnnouncedRegistry
from tidegate.adapters.executors.json_schema import compile_schema
from tidegate.domain.announcements import Announcement, DescribedType, announced
from tidegate.jobs.registry import Registry
from tidegate.ports import Clock
from tidegate.usecases.services import Services

RENDER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"rows": {"type": "integer", "minimum": 1}, "title": {"type": "string"}},
    "required": ["rows"],
    "additionalProperties": False,
}
RENDER = DescribedType("reports.render", "Renders a report.", json.dumps(RENDER_SCHEMA), second_attempt=True)


def announcement_of(described: DescribedType, now_ms: int, pool: str = "ecs") -> Announcement:
    """Returns the announcement of a worker that started just before `now_ms`."""
    return announced(described, pool, "worker-1", now_ms - 1_000, now_ms)


def announced_in(services: Services, deployed: Registry, clock: Clock) -> AnnouncedRegistry:
    """Returns the announced types of these services that `deployed` lacks."""
    return AnnouncedRegistry(services.announcements, clock, compile_schema, deployed.types)
