"""Puts a roll-up: bounded, and for as long as its kind is kept."""

from __future__ import annotations

from dataclasses import replace

from tidegate.domain.statistics.spans import KEPT_MS, Counted, Span
from tidegate.usecases.services import Services


def put_rollup(services: Services, pool: str, span: Span, counted: Counted, now_ms: int) -> None:
    """Puts the roll-up of a pool's time over an earlier one of the same time. `now_ms` is in ms since the epoch.

    Raises ServiceUnavailable, ServiceRefused.
    """
    bounded = replace(counted, rollup=counted.rollup.bounded())
    services.statistics.put(pool, span, bounded, expires_at_s=(now_ms + KEPT_MS[span]) // 1_000)
