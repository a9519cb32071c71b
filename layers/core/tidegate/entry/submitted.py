"""Publishes how many jobs the API accepted."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.entry.metrics import JOBS_SUBMITTED, publish


def publish_submitted(stack: str, jobs_by_pool: Mapping[str, int]) -> None:
    """Publishes how many jobs of each pool one submission brought. Callers do so where every metric is wanted."""
    for pool, count in sorted(jobs_by_pool.items()):
        publish({JOBS_SUBMITTED: count}, stack, pool)
