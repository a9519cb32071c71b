"""All routes of the API, a file for each part: the one table from which everything else about them is made."""

from __future__ import annotations

from tidegate.contracts.route import Route
from tidegate.contracts.routes import (
    acts,
    audit,
    failures,
    forecast,
    grants,
    health,
    jobs,
    logs,
    outside,
    pools,
    recovery,
    relations,
    shares,
    statistics,
    status,
    timetables,
    webhooks,
    workers,
    workflows,
)

ROUTES: tuple[Route, ...] = (
    *jobs.ROUTES,
    *workflows.ROUTES,
    *timetables.ROUTES,
    *recovery.ROUTES,
    *acts.ROUTES,
    *outside.ROUTES,
    *failures.ROUTES,
    *pools.ROUTES,
    *workers.ROUTES,
    *grants.ROUTES,
    *audit.ROUTES,
    *logs.ROUTES,
    *forecast.ROUTES,
    *relations.ROUTES,
    *shares.ROUTES,
    *status.ROUTES,
    *statistics.ROUTES,
    *webhooks.ROUTES,
    *health.ROUTES,
)
