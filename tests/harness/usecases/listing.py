"""Lists the jobs in one state, as most tests of listings ask for them."""

from __future__ import annotations

from tidegate.domain.job_query import JobQuery
from tidegate.domain.states import State
from tidegate.usecases.read import query
from tidegate.usecases.read.query import JobPage
from tidegate.usecases.services import Services


def list_jobs(
    services: Services, state: State, *, pool: str | None, cursor: str | None, limit: int
) -> JobPage:
    """Returns a page of the whole jobs in `state`, of one pool or, if `pool` is None, of all."""
    asked = JobQuery(states=(state,), pool=pool)
    return query.list_jobs(services, asked, cursor=cursor, limit=limit, now_ms=0, whole=True)
