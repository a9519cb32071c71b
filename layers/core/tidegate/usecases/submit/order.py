"""What a submission decides about the order of its jobs, beside their priorities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.requests import JobRequest
from tidegate.settings import Settings
from tidegate.usecases.submit.critical_path import boosts_of
from tidegate.usecases.submit.latest_starts import latest_starts_of


@dataclass(frozen=True, slots=True)
class Order:
    """A job's terms of the rank that are fixed at its submission.

    `boost_millipoints` is the boost of its critical path, in thousandths of a point. `latest_start_ms` is when it has
    to start at the latest, in milliseconds since the epoch; None where no time to finish by counts.
    """

    boost_millipoints: int = 0
    latest_start_ms: int | None = None


BY_PRIORITY = Order()


def orders_of(
    settings: Settings,
    jobs: Sequence[JobRequest],
    *,
    critical_path_weight: float | None = None,
    finish_by_ms: int | None = None,
) -> tuple[Order, ...]:
    """Returns the order of each job of a submission, in the order of `jobs`.

    `critical_path_weight` is in points per second, None for the deployment's. `finish_by_ms` is the time for the end of
    all jobs, in milliseconds since the epoch.
    """
    weight = settings.critical_path_weight if critical_path_weight is None else critical_path_weight
    boosts = boosts_of(jobs, weight, settings.critical_path_max_points)
    return tuple(map(Order, boosts, latest_starts_of(jobs, finish_by_ms, settings.rank_policy)))
