"""Decisions: what a release has found out about jobs that wait, and how it is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tidegate.domain.dependency import NOT_TAKEN
from tidegate.domain.errors import TransitionRefused
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    Ending,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    SkipIfPending,
    Stamp,
    Transition,
)
from tidegate.ports import MoveOutcome
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services

ACTOR = "release"
# Optimistic, then corrected by what the refused write brought back; the reaper repairs what is left.
_ROUNDS = 4


@dataclass(slots=True)
class Decision:
    """What is now known of one downstream: ordinals satisfied, and those that never will be, with the reason."""

    satisfied: set[int] = field(default_factory=set)
    failed: dict[int, JobFailure] = field(default_factory=dict)

    def why_skipped(self, job: Job) -> tuple[int, JobFailure] | None:
        """A reason why the job can never run; None where it may, or no longer waits on what failed.

        Of several reasons a failure comes before a branch that was not taken, then the earlier dependency.
        """
        standing = [item for item in self.failed.items() if item[0] in job.waiting_on]
        return min(standing, key=lambda item: (item[1].code == NOT_TAKEN, item[0]), default=None)

    def concerns(self, job: Job) -> bool:
        """Whether there is something left to do for a PENDING job."""
        return (
            not job.waiting_on or self.why_skipped(job) is not None or bool(self.satisfied & job.waiting_on)
        )


def carry_out(
    services: Services, downstreams: Mapping[str, Job], decisions: Mapping[str, Decision], now_ms: int
) -> tuple[Job, ...]:
    """Moves the downstreams as is decided; returns those that left PENDING. Raises the first failure after that."""
    stamp = Stamp(now_ms, ACTOR)
    chooser = PoolChooser(services, now_ms)
    pending = {job_id: downstreams[job_id] for job_id in decisions}
    moved: list[Job] = []
    seen: list[MoveOutcome] = []
    for _ in range(_ROUNDS):
        transitions = [
            _next_step(services, job, decisions[job_id], stamp, chooser) for job_id, job in pending.items()
        ]
        outcomes = services.jobs.apply_all(transitions)
        seen.extend(outcomes)
        tried, pending = pending, {}
        for outcome in outcomes:
            job = outcome.job if isinstance(outcome, TransitionRefused) else outcome
            if not isinstance(job, Job) or job.reopened != tried[job.job_id].reopened:
                continue  # what was decided holds for the life in which it was found out
            if job.state is not State.PENDING:
                if isinstance(outcome, Job):
                    moved.append(outcome)
            elif decisions[job.job_id].concerns(job):
                pending[job.job_id] = job  # go on from what the job really waits on
        if not pending:
            break
    raise_first_failure(seen)
    return tuple(moved)


def _next_step(
    services: Services, job: Job, decision: Decision, stamp: Stamp, chooser: PoolChooser
) -> Transition:
    skipped = decision.why_skipped(job)
    if skipped is not None:
        ordinal, failure = skipped
        ending = Ending(
            State.SKIPPED, failure=failure, expires_at_s=services.settings.expires_at_s(stamp.now_ms)
        )
        # The history tells a branch that was not taken from a failure, also once the job was tried again.
        return SkipIfPending(job, ordinal, ending, replace(stamp, reason=failure.code))
    if job.waiting_on <= decision.satisfied:
        return ReadyIfWaitingOnlyOn(job, job.waiting_on, stamp, chooser.for_job(job))
    return ReleaseIfPending(job, frozenset(decision.satisfied))
