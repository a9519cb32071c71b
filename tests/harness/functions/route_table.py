"""The table of routes beside what stands elsewhere about them, for tests that compare the two."""

from __future__ import annotations

import re

from tests.harness.functions.api_calls import UNKNOWN_ID
from tidegate.api.app import app
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES

ANSWERED_BY_THE_GATEWAY = {("GET", "/v1/health")}
_PART = re.compile(r"<(\w+)>")
_SAMPLES = {
    "job_id": UNKNOWN_ID,
    "workflow_id": UNKNOWN_ID,
    "timetable_id": UNKNOWN_ID,
    "pool": "ecs",
    "job_type": "tidegate.noop",
    "worker_id": "w",
    "share": "data",
    "fingerprint": "3f2a91c07b5d8e64",
}
"""A value for each part of a path. A route with a new part needs one here."""


def registered() -> set[tuple[str, str]]:
    """Returns the method and path of each route that the function's resolver answers, 405 left out."""
    known = (*app._static_routes, *app._dynamic_routes)
    served = [route for route in known if route.func.__module__ != "tidegate.api.errors"]
    return {(route.method, _PART.sub(r"{\1}", route.path)) for route in served}


def sample_path(route: Route) -> str:
    """Returns a path of the route, with an id that no deployment has."""
    return re.sub(r"{(\w+)}", lambda part: _SAMPLES[part[1]], route.path)


def route_of(method: str, path: str) -> Route | None:
    """Returns the route that answers a request, None where no route does."""
    for route in ROUTES:
        if route.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", route.path), path):
            return route
    return None
