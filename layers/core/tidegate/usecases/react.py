"""React: what the dispatcher does when jobs have changed."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL, State
from tidegate.usecases.dispatch import DispatchReport
from tidegate.usecases.permits import give_back_permits
from tidegate.usecases.release import release
from tidegate.usecases.serve import serve_pools
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class ReactReport:
    """What a reaction did: jobs that left PENDING, and a dispatch report per pool it looked at."""

    released: int
    pools: tuple[DispatchReport, ...]


def react(
    services: Services, changed: Sequence[Job], *, due: Set[str] = frozenset(), now_ms: int
) -> ReactReport:
    """Releases what the changed jobs decide, then dispatches in every pool that gained a job or a free place.

    `due` names further pools in which jobs may be due.
    """
    upstreams = [
        job for job in changed if job.state in TERMINAL or (job.state is State.RUNNING and job.watch_start)
    ]
    moved = release(services, upstreams, now_ms)
    rules = services.rules.load()
    give_back_permits(services, changed, rules)
    touched = {job.pool for job in changed if job.state not in (State.PENDING, State.QUEUED, State.RUNNING)}
    touched |= {job.pool for job in moved if job.state is State.READY}
    served = serve_pools(services, touched | due, now_ms, rules=rules, changed=[*changed, *moved])
    return ReactReport(len(moved), served)
