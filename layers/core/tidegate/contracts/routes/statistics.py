"""The route that tells of ended jobs in numbers."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.route import Parameter, Route
from tidegate.contracts.statistics import StatisticsOut
from tidegate.domain.roles import Role
from tidegate.domain.statistics.asked import By, Step

ROUTES = (
    Route(
        "GET",
        "/v1/stats",
        Role.VIEWER,
        "counts ended jobs, and tells how long they waited and ran",
        {HTTPStatus.OK: StatisticsOut},
        parameters=(
            Parameter("by", "what a row stands for; `pool` by default", By),
            Parameter("step", "also counts the ends of each row in each `hour` or `day`", Step),
            Parameter("from", "the earliest time, which counts; a day before `to` by default"),
            Parameter("to", "the latest time, which does not count; now by default"),
            Parameter("pool", "jobs of this pool; all pools without it"),
            Parameter("type", "jobs of this type; not with `by=share` or `by=worker`"),
        ),
    ),
)
