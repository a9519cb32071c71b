"""Reopen: jobs that ended without success are tried again, and what was skipped because of them may follow.

A reopened job waits on its dependencies again and is judged by its upstreams as they stand now. Each use case is safe
to repeat: what was reopened by an earlier call, and may have moved on, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tidegate.domain import limits
from tidegate.domain.errors import NotRetryable, TidegateError
from tidegate.domain.job import Job
from tidegate.domain.lives import may_be_reopened
from tidegate.domain.retry import UPSTREAM_GONE
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.transitions import ReopenIfEnded, Stamp
from tidegate.usecases.downstream import LAYERS_AT_MOST, downstream_of
from tidegate.usecases.each import raise_first_failure
from tidegate.usecases.judge_waiting import judge_waiting
from tidegate.usecases.portions import apply_lean, portions, read_lean
from tidegate.usecases.release import COSTLY_PER_CALL
from tidegate.usecases.services import Services
from tidegate.usecases.visible import find_job
from tidegate.usecases.whole_workflow import whole_workflow

FAILED_ITSELF = REOPENABLE - {State.SKIPPED}
_REASON = "reopened"


@dataclass(frozen=True, slots=True)
class Reopened:
    """How many jobs one call reopened, and how many it left because they were reopened as often as is allowed.

    `left_without_upstream` counts those that stay SKIPPED because a job that they wait on is gone. `complete` is where
    the same call again would find no more to do.
    """

    reopened: int
    left_at_limit: int
    left_without_upstream: int
    complete: bool


def retry_job(
    services: Services, job_id: str, *, reopen_skipped: bool, actor: str, now_ms: int
) -> tuple[Job, Reopened]:
    """Tries a job again that ended without success; with `reopen_skipped` also what was skipped because of it.

    Returns the job after that. Retrying twice changes nothing. Raises NotFound; NotRetryable where the job has
    succeeded, is being stopped, was never reopened and has not ended, or was reopened too often; DependencyUnavailable
    where some could not be reached: what was reopened stays so, and the next call goes on.
    """
    reopening = _Reopening(services, Stamp(now_ms, actor, _REASON), leave_skipped=not reopen_skipped)
    job = find_job(services, job_id)
    if job.state in REOPENABLE:
        if not may_be_reopened(job.history):
            why = f"ran again after {limits.MAX_REOPENINGS} reopenings, the most allowed; submit it anew"
            raise NotRetryable(job_id, why)
        reopening.reopen([job])
        job = find_job(services, job_id)
    elif job.cancel_requested_at_ms is not None and not job.is_terminal:
        raise NotRetryable(job_id, "is being stopped; retry it once it has ended")
    if job.state is State.SUCCEEDED:
        raise NotRetryable(job_id, "has succeeded; submit it anew to have it run again")
    if not job.reopened:
        raise NotRetryable(
            job_id, f"is {job.state} and has not ended; what it needs comes by itself, or cancel it"
        )
    complete = _reopen_skipped(reopening, [job]) if reopen_skipped else True
    reopening.judge(job)
    return find_job(services, job_id), reopening.report(complete=complete)


def retry_as_read(services: Services, jobs: Sequence[Job], stamp: Stamp) -> int:
    """Tries those of the jobs again that still stand as they were read, with what was skipped because of them.

    Returns how many of `jobs` that were. Raises DependencyUnavailable or ServiceRefused where some could not be
    reached: what was reopened stays so.
    """
    reopening = _Reopening(services, replace(stamp, reason=_REASON))
    opened = reopening.reopen(jobs)
    _reopen_skipped(reopening, opened)
    reopening.judge()
    return len(opened)


def rerun_workflow(services: Services, workflow_id: str, *, actor: str, now_ms: int) -> Reopened:
    """Tries a workflow again from its failures: what failed, timed out or was cancelled, and what was skipped for that.

    What has succeeded stays as it is. Raises NotFound, or DependencyUnavailable as `retry_job` does.
    """
    reopening = _Reopening(services, Stamp(now_ms, actor, _REASON))
    jobs = whole_workflow(services, workflow_id, now_ms)
    skipped_for = _by_cause(jobs)
    layer = reopening.reopen([job for job in jobs if job.state in FAILED_ITSELF])
    others = skipped_for.keys() - {job.job_id for job in layer}
    causes = read_lean(services, sorted(others))
    layer += [cause for cause in causes.values() if cause.reopened and cause.state not in REOPENABLE]
    for _ in range(LAYERS_AT_MOST):
        # A job only after the one that it was skipped for: else it would be skipped for that again.
        freed = [job for cause in layer for job in skipped_for.pop(cause.job_id, ()) if _is_freed(job, cause)]
        layer = reopening.reopen(freed)
        if not layer:
            break
    reopening.without_upstream += [
        job.job_id for job in jobs if job.job_id not in reopening.moved and _is_without_upstream(job)
    ]
    reopening.judge()
    return reopening.report(complete=not layer)


def _is_without_upstream(job: Job) -> bool:
    return job.state is State.SKIPPED and job.failure is not None and job.failure.code == UPSTREAM_GONE


def _by_cause(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """The skipped among the jobs, by the id of what they were skipped for."""
    skipped: dict[str, list[Job]] = {}
    for job in jobs:
        if job.state is State.SKIPPED and job.failure is not None and job.failure.upstream_id is not None:
            skipped.setdefault(job.failure.upstream_id, []).append(job)
    return skipped


def _is_freed(job: Job, cause: Job) -> bool:
    """Whether the job was skipped for how its cause ended before it was reopened, not for how it ended since."""
    return not cause.is_terminal or (job.finished_at_ms or 0) < (cause.finished_at_ms or 0)


def _reopen_skipped(reopening: _Reopening, sources: Sequence[Job]) -> bool:
    """Reopens what was skipped because of some jobs, and what was skipped because of that; whether that was all."""

    def step(reached: Sequence[tuple[Job, frozenset[str]]]) -> Sequence[Job]:
        skipped = [
            job
            for job, causes in reached
            if job.state is State.SKIPPED and job.failure is not None and job.failure.upstream_id in causes
        ]
        # An earlier call may have ended before it came to what follows from these.
        open_again = [job for job, _ in reached if job.reopened and not job.is_terminal]
        return [*reopening.reopen(skipped), *open_again]

    return downstream_of(reopening.services, sources, step).complete


@dataclass(slots=True)
class _Reopening:
    """What one call reopens."""

    services: Services
    stamp: Stamp
    leave_skipped: bool = False
    moved: dict[str, Job] = field(default_factory=dict)
    left_at_limit: int = 0
    without_upstream: list[str] = field(default_factory=list)

    def reopen(self, jobs: Sequence[Job]) -> list[Job]:
        """Reopens what still stands as it was read and may be reopened; returns the jobs after that.

        Raises DependencyUnavailable or ServiceRefused once all have had their turn.
        """
        moves = [
            ReopenIfEnded(job, self.stamp, self.leave_skipped) for job in jobs if may_be_reopened(job.history)
        ]
        self.left_at_limit += len(jobs) - len(moves)
        outcomes = apply_lean(self.services, moves)
        moved = [outcome for outcome in outcomes if isinstance(outcome, Job)]
        self.moved |= {job.job_id: job for job in moved}
        try:
            raise_first_failure(outcomes)
        except TidegateError:
            self.judge()
            raise
        return moved

    def judge(self, *others: Job) -> None:
        """Judges all that was reopened, and whatever else still waits; where this is cut off, the reaper does it."""
        waiting = [job for job in others if job.state is State.PENDING and job.job_id not in self.moved]
        jobs = [*waiting, *self.moved.values()]
        stamp = replace(self.stamp, reason="")
        costly = COSTLY_PER_CALL  # of the whole call: somebody waits for its answer
        for portion in portions(jobs):
            judge_waiting(
                self.services, portion, stamp, costly=costly, without_upstream=self.without_upstream
            )
            costly = 0

    def report(self, *, complete: bool) -> Reopened:
        """What was done."""
        left = len(set(self.without_upstream))
        return Reopened(len(self.moved), self.left_at_limit, left, complete)
