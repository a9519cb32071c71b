"""Reopens jobs that ended without success, and jobs that were skipped because of them.

A reopened job is PENDING again. It waits on all of its dependencies and is judged by the current state of its
upstreams. Each reopening begins a new life of the job. Each function here is safe to repeat: jobs that an earlier call
reopened are left alone, whatever state they are in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, NotRetryable, TidegateError
from tidegate.domain.job import Job
from tidegate.domain.lives import may_be_reopened
from tidegate.domain.retry import UPSTREAM_GONE
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.transitions import ReopenIfEnded, Stamp
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.bounds.portions import JOBS_AT_ONCE, apply_lean, portions, read_lean
from tidegate.usecases.bounds.reminders import remind_of_reopened
from tidegate.usecases.callers.ownership import refuse_foreign_jobs, refuse_foreign_workflow
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.recover.whole_workflow import accepted_workflow, read_jobs_of
from tidegate.usecases.release.downstream import LAYERS_AT_MOST, downstream_of
from tidegate.usecases.release.judge_waiting import judge_waiting
from tidegate.usecases.release.release import COSTLY_PER_CALL
from tidegate.usecases.services import Services

FAILED_ITSELF = REOPENABLE - {State.SKIPPED}
_REASON = "reopened"
_CURSOR = re.compile(r"(reopen|judge)\.([0-9]{1,5})\.([01])([01])", re.ASCII)
_PORTION_MS = 4_000  # extra time to judge a portion that was begun in time; the reaper does the rest


@dataclass(frozen=True, slots=True)
class Reopened:
    """The result of one call that reopens jobs.

    `reopened` jobs were reopened. `left_at_limit` jobs were left alone because they were reopened as often as is
    allowed. `left_without_upstream` jobs stay SKIPPED because an upstream no longer exists. `complete` says that the
    same call again would find nothing more to do. If it is False, the next call gets `cursor`, if it takes one.
    The counts of successive calls add up, except `left_at_limit`: each call that reopens counts the same jobs.
    """

    reopened: int
    left_at_limit: int
    left_without_upstream: int
    complete: bool
    cursor: str | None = None


def retry_job(
    services: Services,
    job_id: str,
    *,
    reopen_skipped: bool,
    caller: Caller,
    now_ms: int,
    until: Deadline = NEVER,
) -> tuple[Job, Reopened]:
    """Reopens a job that ended without success and, with `reopen_skipped`, the jobs that were skipped because of it.

    Skipped jobs that are not reached before the deadline `until` are reopened later, when their upstreams are done.
    The jobs' history names the caller. Returns the job as it is afterwards, and the counts. Safe to repeat.
    Raises NotFound; NotYours; NotRetryable if the job has succeeded, is being stopped, has not ended and was never
    reopened, or was reopened too often; ServiceUnavailable or ServiceRefused if some jobs could not be written: the
    reopened ones stay reopened, and the same call continues with the rest.
    """
    stamp = Stamp(now_ms, caller.display, _REASON)
    reopening = _Reopening(services, stamp, until, leave_skipped=not reopen_skipped)
    job = find_job(services, job_id)
    refuse_foreign_jobs(services, caller, [job])
    if job.state in REOPENABLE:
        if not may_be_reopened(job.history):
            why = f"ran again after {limits.MAX_REOPENINGS} reopenings, the most allowed; submit a new job"
            raise NotRetryable(job_id, why)
        reopening.reopen([job])
        job = find_job(services, job_id)
    elif job.cancel_requested_at_ms is not None and not job.is_terminal:
        raise NotRetryable(job_id, "is being stopped; retry it once it has ended")
    if job.state is State.SUCCEEDED:
        raise NotRetryable(job_id, "has succeeded; submit a new job to run it again")
    if not job.reopened:
        raise NotRetryable(job_id, f"is {job.state} and has not ended; wait until it has, or cancel it first")
    complete = _reopen_skipped(reopening, [job]) if reopen_skipped else True
    reopening.judge(job)
    return find_job(services, job_id), reopening.report(complete=complete)


def retry_as_read(
    services: Services, jobs: Sequence[Job], stamp: Stamp, until: Deadline = NEVER
) -> Sequence[Job]:
    """Reopens those of the jobs that are unchanged since they were read, and the jobs skipped because of them.

    Skipped jobs that are not reached before the deadline `until` are reopened later, when their upstreams are done.
    Returns those of `jobs` that were reopened. Raises ServiceUnavailable or ServiceRefused if some jobs could not be
    written; the reopened ones stay reopened.
    """
    reopening = _Reopening(services, replace(stamp, reason=_REASON), until)
    opened = reopening.reopen(jobs)
    _reopen_skipped(reopening, opened)
    reopening.judge()
    return opened


def reopen_skipped_for(services: Services, source: Job, stamp: Stamp, until: Deadline = NEVER) -> Reopened:
    """Reopens the jobs that were skipped because of an earlier end of `source`, directly or through others.

    They are judged by the ends that their upstreams have now. Returns the counts. Safe to repeat. Raises
    ServiceUnavailable or ServiceRefused if some jobs could not be written: the same call continues with the rest.
    """
    reopening = _Reopening(services, replace(stamp, reason=_REASON), until)
    complete = _reopen_skipped(reopening, [source])
    reopening.judge()
    return reopening.report(complete=complete)


def rerun_workflow(
    services: Services,
    workflow_id: str,
    *,
    caller: Caller,
    now_ms: int,
    cursor: str | None = None,
    until: Deadline = NEVER,
) -> Reopened:
    """Reruns a workflow from its failures: reopens FAILED, TIMED_OUT and CANCELLED jobs and the jobs skipped for them.

    SUCCEEDED jobs stay as they are. All jobs are reopened before any is judged, because a job must not be judged by the
    old end of an upstream that is still to be reopened. If the deadline `until` comes first, a call with the answer's
    `cursor` continues. The jobs' history names the caller. Returns the counts.
    Raises NotFound, also while the workflow is not accepted yet; NotYours; InvalidRequest for a malformed cursor;
    ServiceUnavailable and ServiceRefused as `retry_job` does.
    """
    stamp = Stamp(now_ms, caller.display, _REASON)
    place = RerunPlace.read(cursor)
    submission = accepted_workflow(services, workflow_id, now_ms)
    refuse_foreign_workflow(services, caller, submission)
    job_count = submission.job_count
    if place.is_judging:
        return _judge_from(services, workflow_id, place.index, job_count, stamp, until)
    reopening = _Reopening(services, stamp, until)
    unopened = _reopen_from(reopening, workflow_id, place, job_count)
    if cursor is None and not reopening.is_cut:
        judged = reopening.judge()
        following = unopened or (None if judged else RerunPlace(is_judging=True))
        return reopening.report(
            complete=following is None, cursor=None if following is None else str(following)
        )
    if unopened is not None:
        return reopening.report(complete=False, cursor=str(unopened))
    # Earlier calls reopened jobs without judging them, so all jobs of the workflow are judged now.
    judged_now = _judge_from(services, workflow_id, 0, job_count, stamp, until)
    return replace(judged_now, reopened=len(reopening.moved), left_at_limit=reopening.left_at_limit)


def _reopen_from(
    reopening: _Reopening, workflow_id: str, place: RerunPlace, job_count: int
) -> RerunPlace | None:
    """Reopens a workflow's jobs from `place` on; returns the place where time ran out, None if all are done.

    Usually a job is submitted after the upstream that it was skipped for. If some were submitted before it, all jobs
    are gone through again, until a pass reopens none.
    """
    while True:
        for first in range(place.index, job_count, JOBS_AT_ONCE):
            end = min(first + JOBS_AT_ONCE, job_count)
            jobs = read_jobs_of(reopening.services, workflow_id, range(first, end))
            opened = len(reopening.moved)
            is_whole, causes = _reopen_portion(reopening, jobs)
            place = RerunPlace(
                end if is_whole else first,
                has_opened=place.has_opened or len(reopening.moved) > opened,
                is_missed=place.is_missed or any(_comes_from(cause, workflow_id, end) for cause in causes),
            )
            if not is_whole or (reopening.until.is_over() and end < job_count):
                reopening.is_cut = reopening.is_cut or is_whole
                return place
        if not (place.has_opened and place.is_missed):
            return None
        place = RerunPlace()
        if reopening.until.is_over():
            reopening.is_cut = True
            return place


def _comes_from(job_id: str, workflow_id: str, first: int) -> bool:
    """True if the job belongs to the workflow and its index there is `first` or higher."""
    submission, _, index = job_id.partition(".")
    return submission == workflow_id and int(index) >= first


def _reopen_portion(reopening: _Reopening, jobs: Sequence[Job]) -> tuple[bool, Set[str]]:
    """Reopens some jobs of a workflow.

    Returns whether all that can be reopened now were reopened, and the ids of the upstreams that the remaining skipped
    jobs were skipped for.
    """
    skipped_for = _by_cause(jobs)
    layer = reopening.reopen([job for job in jobs if job.state in FAILED_ITSELF])
    others = skipped_for.keys() - {job.job_id for job in layer}
    causes = read_lean(reopening.services, sorted(others))
    layer += [cause for cause in causes.values() if cause.reopened and cause.state not in REOPENABLE]
    for _ in range(LAYERS_AT_MOST):
        if reopening.is_cut or not layer:
            break
        # A job is reopened only after the upstream that it was skipped for, else it would be skipped again.
        freed = [job for cause in layer for job in skipped_for.pop(cause.job_id, ()) if _is_freed(job, cause)]
        layer = reopening.reopen(freed)
    if not reopening.is_cut:
        reopening.without_upstream += [
            job.job_id for job in jobs if job.job_id not in reopening.moved and _is_without_upstream(job)
        ]
    return not reopening.is_cut and not layer, skipped_for.keys()


def _judge_from(
    services: Services, workflow_id: str, place: int, job_count: int, stamp: Stamp, until: Deadline
) -> Reopened:
    """Judges the reopened PENDING jobs of a workflow, from the job at index `place` on."""
    without_upstream: list[str] = []
    for first in while_time(range(place, job_count, JOBS_AT_ONCE), until):
        place = min(first + JOBS_AT_ONCE, job_count)
        jobs = read_jobs_of(services, workflow_id, range(first, place))
        waiting = [job for job in jobs if job.state is State.PENDING and job.reopened]
        without_upstream += [job.job_id for job in jobs if _is_without_upstream(job)]
        reopening = _Reopening(services, stamp, until, without_upstream=without_upstream)
        reopening.judge(*waiting)
    cursor = None if place >= job_count else str(RerunPlace(place, is_judging=True))
    return Reopened(0, 0, len(set(without_upstream)), complete=cursor is None, cursor=cursor)


@dataclass(frozen=True, slots=True)
class RerunPlace:
    """The place where a rerun continues, as its cursor stores it.

    `index` is the next job. `is_judging` says that all jobs are reopened and are being judged. `has_opened` says that
    the present pass over the jobs has reopened some, and `is_missed` that it met jobs that were skipped for a later job
    of the workflow.
    """

    index: int = 0
    is_judging: bool = False
    has_opened: bool = False
    is_missed: bool = False

    def __str__(self) -> str:
        step = "judge" if self.is_judging else "reopen"
        return f"{step}.{self.index}.{int(self.has_opened)}{int(self.is_missed)}"

    @classmethod
    def read(cls, cursor: str | None) -> RerunPlace:
        """Returns the place of a cursor, or the beginning if it is None. Raises InvalidRequest if it is malformed."""
        if cursor is None:
            return cls()
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise InvalidRequest.of("cursor", "is not a cursor of a rerun; leave it out to start over")
        return cls(int(found[2]), found[1] == "judge", found[3] == "1", found[4] == "1")


def _is_without_upstream(job: Job) -> bool:
    return job.state is State.SKIPPED and job.failure is not None and job.failure.code == UPSTREAM_GONE


def _by_cause(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """Returns the skipped jobs by the id of the upstream that they were skipped for."""
    skipped: dict[str, list[Job]] = {}
    for job in jobs:
        if job.state is State.SKIPPED and job.failure is not None and job.failure.upstream_id is not None:
            skipped.setdefault(job.failure.upstream_id, []).append(job)
    return skipped


def _is_freed(job: Job, cause: Job) -> bool:
    """True if the job was skipped for an earlier end of its cause, not for one after the cause was reopened."""
    return not cause.is_terminal or (job.finished_at_ms or 0) < (cause.finished_at_ms or 0)


def _reopen_skipped(reopening: _Reopening, sources: Sequence[Job]) -> bool:
    """Reopens the jobs that were skipped because of `sources`, directly or through others; True if that was all."""

    def step(reached: Sequence[tuple[Job, frozenset[str]]]) -> Sequence[Job]:
        if reopening.is_cut:
            return ()
        skipped = [
            job
            for job, causes in reached
            if job.state is State.SKIPPED and job.failure is not None and job.failure.upstream_id in causes
        ]
        # Jobs that an earlier call reopened: it may have stopped before the jobs that were skipped because of them.
        open_again = [job for job, _ in reached if job.reopened and not job.is_terminal]
        return [*reopening.reopen(skipped), *open_again]

    return downstream_of(reopening.services, sources, step).complete and not reopening.is_cut


@dataclass(slots=True)
class _Reopening:
    """Collects the jobs that one call reopens. `is_cut` says that the deadline came before all were reopened."""

    services: Services
    stamp: Stamp
    until: Deadline = NEVER
    leave_skipped: bool = False
    moved: dict[str, Job] = field(default_factory=dict)
    left_at_limit: int = 0
    is_cut: bool = False
    without_upstream: list[str] = field(default_factory=list)

    def reopen(self, jobs: Sequence[Job]) -> list[Job]:
        """Reopens those of the jobs that are unchanged since they were read and may be reopened.

        Stops between two portions at the deadline. Returns the reopened jobs. Raises ServiceUnavailable or
        ServiceRefused for a job that could not be written, after the others have been written and judged.
        """
        transitions = [
            ReopenIfEnded(job, self.stamp, self.leave_skipped) for job in jobs if may_be_reopened(job.history)
        ]
        self.left_at_limit += len(jobs) - len(transitions)
        remind_of_reopened(self.services, [each.job for each in transitions], self.stamp.now_ms)
        outcomes: list[TransitionOutcome] = []
        for portion in while_time(portions(transitions), self.until):
            outcomes += apply_lean(self.services, portion)
        self.is_cut = self.is_cut or (bool(transitions) and self.until.is_over())
        moved = [outcome for outcome in outcomes if isinstance(outcome, Job)]
        self.moved |= {job.job_id: job for job in moved}
        try:
            raise_first_failure(outcomes)
        except TidegateError:
            self.judge()
            raise
        return moved

    def judge(self, *others: Job) -> bool:
        """Judges the reopened jobs, and those of `others` that are PENDING; returns whether there was time for all.

        The reaper judges the rest.
        """
        waiting = [job for job in others if job.state is State.PENDING and job.job_id not in self.moved]
        jobs = [*waiting, *self.moved.values()]
        stamp = replace(self.stamp, reason="")
        costly = COSTLY_PER_CALL  # for the whole call, not for each portion: a client waits for the answer
        judged = 0
        for portion in while_time(portions(jobs), self.until):
            until = NEVER if self.until is NEVER else self.until.later(_PORTION_MS)
            judge_waiting(
                self.services,
                portion,
                stamp,
                until=until,
                costly=costly,
                without_upstream=self.without_upstream,
            )
            judged += len(portion)
            costly = 0
        return judged == len(jobs)

    def report(self, *, complete: bool, cursor: str | None = None) -> Reopened:
        """Makes the result of the call.

        Jobs whose upstream no longer exists are counted only by the call that completes, so that each counts once.
        """
        left = 0 if cursor else len(set(self.without_upstream))
        return Reopened(len(self.moved), self.left_at_limit, left, complete, cursor)
