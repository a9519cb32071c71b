"""Serve: wake what is due and dispatch what is ready, for some pools."""

from __future__ import annotations

from collections.abc import Set

from tidegate.usecases.dispatch import DispatchReport, dispatch
from tidegate.usecases.each import first_then, for_each
from tidegate.usecases.services import Services
from tidegate.usecases.wake import wake_due


def serve_pools(services: Services, pools: Set[str], now_ms: int) -> tuple[DispatchReport, ...]:
    """Wakes and dispatches in each of `pools` that this deployment has, in the order of their names.

    A pool that fails, because its queue is gone perhaps, raises when the others have been served.
    """

    def serve(pool: str) -> DispatchReport:
        return first_then(lambda: wake_due(services, pool, now_ms), lambda: dispatch(services, pool, now_ms))

    return tuple(for_each(sorted(pools & services.settings.pools.keys()), serve))
