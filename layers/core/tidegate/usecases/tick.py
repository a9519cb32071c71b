"""Tick: what the dispatcher does on the schedule, so that nothing waits for an event that was missed."""

from __future__ import annotations

from tidegate.usecases.dispatch import DispatchReport
from tidegate.usecases.serve import serve_pools
from tidegate.usecases.services import Services


def tick(services: Services, *, now_ms: int) -> tuple[DispatchReport, ...]:
    """Wakes and dispatches in every pool; returns a report per pool."""
    return serve_pools(services, services.settings.pools.keys(), now_ms)
