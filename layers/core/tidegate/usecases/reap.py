"""Reap: once a minute, everything that an event, a message or a worker left undone is put right, within bounds."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.usecases.reap_active import reap_active
from tidegate.usecases.reap_pending import reap_pending
from tidegate.usecases.reap_submissions import reap_submissions
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class ReapReport:
    """How many things one run put right."""

    submissions_finished: int
    submissions_removed: int
    jobs_reclaimed: int
    jobs_ended: int
    messages_resent: int
    pending_released: int


def reap(services: Services, *, now_ms: int) -> ReapReport:
    """Repairs submissions, active jobs and pending jobs; safe to run twice at once. Returns what it did."""
    finished, removed = reap_submissions(services, now_ms)
    active = reap_active(services, now_ms)
    released = reap_pending(services, now_ms)
    return ReapReport(finished, removed, active.reclaimed, active.ended, active.resent, released)
