"""React: what the dispatcher does when jobs have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL, State
from tidegate.usecases.dispatch import DispatchReport
from tidegate.usecases.release import release
from tidegate.usecases.serve import serve_pools
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class ReactReport:
    """What a reaction did: jobs that left PENDING, and a dispatch report per pool it looked at."""

    released: int
    pools: tuple[DispatchReport, ...]


def react(services: Services, changed: Sequence[Job], *, now_ms: int) -> ReactReport:
    """Releases what the changed jobs decide, then dispatches in every pool that gained a job or a free place."""
    upstreams = [
        job for job in changed if job.state in TERMINAL or (job.state is State.RUNNING and job.watch_start)
    ]
    moved = release(services, upstreams, now_ms)
    touched = {job.pool for job in changed if job.state is State.READY or job.state in TERMINAL}
    touched |= {job.pool for job in moved if job.state is State.READY}
    return ReactReport(len(moved), serve_pools(services, touched, now_ms))
