"""React: what the dispatcher does when jobs have changed."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL, State
from tidegate.usecases.dispatch import DispatchReport
from tidegate.usecases.each import first_then
from tidegate.usecases.free_skipped import free_skipped
from tidegate.usecases.permits import give_back_permits, needs_permit
from tidegate.usecases.release import release
from tidegate.usecases.serve import rules_in_force, serve_pools
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

    `due` names the pools, further ones too, in which to look for jobs whose time has come. Raises what kept a release
    from being carried out when the pools have been served. What it did release has events of its own.
    """
    upstreams = [
        job for job in changed if job.state in TERMINAL or (job.state is State.RUNNING and job.watch_start)
    ]
    moved: list[Job] = []
    rules = rules_in_force(services, now_ms)
    news = [job for job in changed if job.state not in (State.PENDING, State.QUEUED, State.RUNNING)]
    touched = {job.pool for job in news}
    if any(needs_permit(job.traits, rules) for job in news):
        touched |= services.settings.pools.keys()  # jobs of any pool may wait for what it gives back

    def serve() -> tuple[DispatchReport, ...]:
        give_back_permits(services, changed, rules)
        gained = {job.pool for job in moved if job.state is State.READY}
        return serve_pools(
            services,
            touched | gained | due,
            now_ms,
            rules=rules,
            changed=[*changed, *moved],
            due=due | {job.pool for job in changed if _is_due(job, now_ms)},
        )

    def follow() -> int:
        # What is freed and becomes READY has an event of its own.
        return first_then(
            lambda: moved.extend(release(services, upstreams, now_ms)),
            lambda: free_skipped(services, upstreams, now_ms),
        )

    reports = first_then(follow, serve)
    return ReactReport(len(moved), reports)


def _is_due(job: Job, now_ms: int) -> bool:
    return job.state is State.SCHEDULED and job.due_at_ms is not None and job.due_at_ms <= now_ms
