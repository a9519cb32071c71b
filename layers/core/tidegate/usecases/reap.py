"""Reap: once a minute, everything that an event, a message or a worker left undone is put right, within bounds."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.usecases.reap_active import reap_active
from tidegate.usecases.reap_dead_letters import reap_dead_letters
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
    jobs_undeliverable: int
    pending_released: int


def reap(services: Services, *, now_ms: int) -> ReapReport:
    """Repairs submissions, active and pending jobs, and reads dead letters; safe to run twice at once."""
    finished, removed = reap_submissions(services, now_ms)
    active = reap_active(services, now_ms)
    return ReapReport(
        submissions_finished=finished,
        submissions_removed=removed,
        jobs_reclaimed=active.reclaimed,
        jobs_ended=active.ended,
        messages_resent=active.resent,
        jobs_undeliverable=reap_dead_letters(services, now_ms),
        pending_released=reap_pending(services, now_ms),
    )
