"""Writes the decisions about PENDING jobs: removes satisfied dependencies, makes jobs READY, or skips them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tidegate.domain.dependency import NOT_TAKEN
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    Ending,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    SkipIfPending,
    Stamp,
    Transition,
    TransitionRefused,
)
from tidegate.ports import TransitionOutcome
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services

ACTOR = "release"
# Each round writes by what was last read. A refused write returns the current job, and the next round goes by that.
# The reaper repairs jobs that still kept changing after the last round.
_ROUNDS = 4


@dataclass(slots=True)
class Decision:
    """The decided dependencies of one downstream job, by ordinal: satisfied ones, and failed ones with the reason."""

    satisfied: set[int] = field(default_factory=set)
    failed: dict[int, JobFailure] = field(default_factory=dict)

    def why_skipped(self, job: Job) -> tuple[int, JobFailure] | None:
        """Returns the failed ordinal and the reason why the job can never run.

        None if the job waits on none of the failed dependencies. Of several reasons a failure comes before a branch
        that was not taken, and then the lower ordinal comes first.
        """
        standing = [item for item in self.failed.items() if item[0] in job.waiting_on]
        return min(standing, key=lambda item: (item[1].code == NOT_TAKEN, item[0]), default=None)

    def concerns(self, job: Job) -> bool:
        """True if this decision still changes a PENDING job."""
        return (
            not job.waiting_on or self.why_skipped(job) is not None or bool(self.satisfied & job.waiting_on)
        )


def carry_out(
    services: Services, downstreams: Mapping[str, Job], decisions: Mapping[str, Decision], now_ms: int
) -> tuple[Job, ...]:
    """Writes the decisions, given by downstream job id, to the downstream jobs; returns those that left PENDING.

    A job that was reopened meanwhile is left alone. Raises ServiceUnavailable or ServiceRefused for a job that could
    not be written, after the others have been.
    """
    stamp = Stamp(now_ms, ACTOR)
    chooser = PoolChooser(services, now_ms)
    pending = {job_id: downstreams[job_id] for job_id in decisions}
    moved: list[Job] = []
    seen: list[TransitionOutcome] = []
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
                continue  # the decision holds only for the life of the job that it was made in
            if job.state is not State.PENDING:
                if isinstance(outcome, Job):
                    moved.append(outcome)
            elif decisions[job.job_id].concerns(job):
                pending[job.job_id] = job  # the next round goes by the job's current `waiting_on`
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
        # The failure code in the history tells a branch that was not taken from a failure, even after a reopening.
        return SkipIfPending(job, ordinal, ending, replace(stamp, reason=failure.code))
    if job.waiting_on <= decision.satisfied:
        return ReadyIfWaitingOnlyOn(job, job.waiting_on, stamp, chooser.for_job(job))
    return ReleaseIfPending(job, frozenset(decision.satisfied))
