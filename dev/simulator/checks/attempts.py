"""Checks the cost of a job's attempts from the job's history.

A failure costs a try, a lost worker is a loss, and an interruption costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.retry import OUTSIDE_SILENT, TIMED_OUT
from tidegate.domain.states import FAILURES, State
from tidegate.usecases.reap.reap_active import ACTOR as REAPER
from tidegate.usecases.work.outside import FINISHED_REASON

_BY_FORCE = "grace period over"  # the reaper ends a job that ignores a cancellation; its worker is not lost


@dataclass(frozen=True, slots=True)
class Spent:
    """Counts the outcomes of the claims of one life."""

    tries: int
    retries: int
    worker_losses: int
    interruptions: int


def spent(life: Sequence[HistoryEntry]) -> Spent:
    """Reads a life, which begins with a submission or a reopening."""
    tries = retries = losses = interruptions = 0
    for claim, after in pairwise(life):
        if claim.state is not State.RUNNING:
            continue
        by_worker = after.actor == claim.actor and after.state is not State.RUNNING
        outside = is_end_outside(after)
        tries += (by_worker or outside) and (after.state is State.SCHEDULED or after.state in FAILURES)
        retries += after.state is State.SCHEDULED
        interruptions += by_worker and after.state is State.READY
        if outside or is_end_by_second(claim, after):
            continue
        lost = not by_worker and not (after.actor == REAPER and after.reason.endswith(_BY_FORCE))
        losses += lost
    return Spent(tries, retries, losses, interruptions)


def is_end_by_second(claim: HistoryEntry, end: HistoryEntry) -> bool:
    """Tells whether the second attempt beside the attempt of a claim ended the job."""
    beside = f"second attempt beside attempt {claim.attempt}"
    return end.state is State.SUCCEEDED and end.reason == beside


def is_end_outside(end: HistoryEntry) -> bool:
    """Tells whether an entry ended an attempt outside: by its token, by a cancellation, or because it was silent."""
    if end.state is State.CANCELLED:
        return end.reason == "cancellation asked for"
    silent = end.reason == OUTSIDE_SILENT or (end.actor == REAPER and end.reason == TIMED_OUT)
    return silent or end.reason.partition(":")[0] in (FINISHED_REASON, "approved", "rejected")


def lives_of(job: Job) -> list[list[HistoryEntry]]:
    """Returns the job's history, life by life."""
    lives: list[list[HistoryEntry]] = []
    for entry in job.history:
        if not lives or entry.state is State.PENDING:
            lives.append([])
        lives[-1].append(entry)
    return lives


def check_attempts(job: Job) -> None:
    """Checks that attempts number the claims, and that only tries use retries.

    Losses and history entries must be bounded.
    """
    claims = [entry.attempt for entry in job.history if entry.state is State.RUNNING]
    assert claims == sorted(set(claims)), f"an attempt was given twice: {job}"
    assert claims[-1:] in ([], [job.attempt]), job
    lives = lives_of(job)
    for life in lives:
        cost = spent(life)
        assert cost.retries <= job.retry.max_retries, f"more retries than its policy allows: {job}"
        assert cost.tries <= job.retry.max_retries + 1, job
        assert cost.worker_losses <= limits.MAX_WORKER_LOSSES, f"lost too many workers: {job}"
        assert cost.interruptions <= limits.MAX_INTERRUPTIONS_KEPT, f"its history grows: {job}"
    now = spent(lives[-1])
    assert (job.tries, job.worker_losses) == (now.tries, now.worker_losses), f"counted otherwise: {job}"
    if job.state in FAILURES and job.history[-2].state is State.RUNNING and job.history[-1].actor != REAPER:
        assert now.retries == job.tries - 1, f"a retry was used by something else than a try: {job}"
