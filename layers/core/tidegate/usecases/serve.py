"""Serve: wake what is due and dispatch what is ready, for some pools."""

from __future__ import annotations

from collections.abc import Set

from tidegate.usecases.dispatch import DispatchReport, dispatch
from tidegate.usecases.services import Services
from tidegate.usecases.wake import wake_due


def serve_pools(services: Services, pools: Set[str], now_ms: int) -> tuple[DispatchReport, ...]:
    """Wakes and dispatches in each of `pools` that this deployment has, in the order of their names."""
    known = sorted(pools & services.settings.pools.keys())
    for pool in known:
        wake_due(services, pool, now_ms)
    return tuple(dispatch(services, pool, now_ms) for pool in known)
