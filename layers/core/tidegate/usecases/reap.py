"""Reap: once a minute, everything that an event, a message or a worker left undone is put right, within bounds."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.usecases.each import for_each
from tidegate.usecases.reap_active import reap_active
from tidegate.usecases.reap_dead_letters import reap_dead_letters
from tidegate.usecases.reap_pending import reap_pending
from tidegate.usecases.reap_submissions import reap_submissions
from tidegate.usecases.reap_workers import reap_workers
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class ReapReport:
    """How many things one run put right."""

    submissions_finished: int
    submissions_removed: int
    jobs_reclaimed: int
    jobs_ended: int
    messages_resent: int
    jobs_undeliverable: int
    pending_released: int
    workers_lost: int


def reap(services: Services, *, now_ms: int) -> ReapReport:
    """Repairs jobs and submissions, reads dead letters, marks lost workers; safe to run twice at once.

    Raises the first TidegateError of a repair once the others have had their turn.
    """

    def active() -> dict[str, int]:
        counts = reap_active(services, now_ms)
        return {
            "jobs_reclaimed": counts.reclaimed,
            "jobs_ended": counts.ended,
            "messages_resent": counts.resent,
        }

    def submissions() -> dict[str, int]:
        finished, removed = reap_submissions(services, now_ms)
        return {"submissions_finished": finished, "submissions_removed": removed}

    def dead_letters() -> dict[str, int]:
        return {"jobs_undeliverable": reap_dead_letters(services, now_ms)}

    def pending() -> dict[str, int]:
        return {"pending_released": reap_pending(services, now_ms)}

    def workers() -> dict[str, int]:
        return {"workers_lost": reap_workers(services, now_ms)}

    # Lost workers' jobs first: they are what users wait for.
    repairs = (active, submissions, dead_letters, pending, workers)
    report = for_each(repairs, lambda repair: repair())
    return ReapReport(**{name: count for part in report for name, count in part.items()})
