"""Reruns a job whatever its end, with everything that follows it.

A rerun begins a new life of the job and of every job downstream: those that have ended run again, and those that wait
begin to wait anew, because an upstream that satisfied them is run again. Upstreams come first. So while a job is
opened, every upstream that is rerun with it is open already, and no job is judged by the old end of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, NotRetryable, ServiceUnavailable, TooFarDownstream
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.lives import may_be_reopened
from tidegate.domain.states import State
from tidegate.domain.transitions import DISPATCHED, RerunUnlessDispatched, Stamp, TransitionRefused
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.bounds.kept_ends import apply_leaving
from tidegate.usecases.bounds.portions import apply_lean, portions
from tidegate.usecases.bounds.reminders import remind_of_reopened
from tidegate.usecases.callers.ownership import refuse_foreign_jobs
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.release.downstream import Downstream, downstream_of
from tidegate.usecases.release.judge_waiting import judge_waiting
from tidegate.usecases.release.release import COSTLY_PER_CALL
from tidegate.usecases.services import Services
from tidegate.usecases.submit.validate import type_violations

_TRIES = 3  # a refused write means that the job changed meanwhile
_REASON = "rerun"
_CURSOR = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_PORTION_MS = 4_000  # extra time to judge a portion that was begun in time; the reaper does the rest


@dataclass(frozen=True, slots=True)
class Rerun:
    """The result of one call.

    `rerun` jobs began a new life. `left_at_limit` jobs were left alone because they were reopened as often as is
    allowed, `left_active` jobs because they were dispatched meanwhile. If `complete` is False, the same call with
    `cursor` continues.
    """

    rerun: int
    left_at_limit: int = 0
    left_active: int = 0
    complete: bool = True
    cursor: str | None = None


def rerun_job(
    services: Services,
    job_id: str,
    *,
    caller: Caller,
    now_ms: int,
    parameters: Mapping[str, Json] | None = None,
    downstream: bool = True,
    dry_run: bool = False,
    cursor: str | None = None,
    until: Deadline = NEVER,
) -> tuple[Job, Rerun]:
    """Runs an ended job again, also one that succeeded, and with `downstream` every job that follows it.

    `parameters` replace those of the job itself; None keeps them. Waiting jobs downstream wait anew. Nothing is written
    with `dry_run`: the counts are of the jobs that would be rerun. If the deadline `until` comes first, a call with the
    answer's `cursor` continues. A call for a job that is being rerun continues too, so it is safe to repeat. Returns
    the job as it is afterwards, and the counts. Each call reads the jobs downstream and their edges, at most 10,000.
    Raises NotFound; NotYours if one of the jobs is another caller's; InvalidRequest for parameters that the job's
    type refuses, or a malformed cursor; NotRetryable if
    the job has not ended or was reopened too often, or a job downstream is QUEUED or RUNNING; TooFarDownstream;
    ServiceUnavailable or ServiceRefused if some jobs could not be written: the same call continues with the rest.
    """
    job = find_job(services, job_id)
    found = downstream_of(services, [job]) if downstream else Downstream((), complete=True)
    if not found.complete:
        raise TooFarDownstream(job_id, len(found.jobs))
    refuse_foreign_jobs(services, caller, [job, *found.jobs])
    is_begun = _is_begun(job, cursor)
    if not is_begun:
        _refuse_unless_ended(job, found.jobs)
    if parameters is not None:
        _check_parameters(services, job, parameters, is_begun=is_begun)
    if dry_run:
        return job, _would_rerun(job, found.jobs, is_begun=is_begun)
    stamp = Stamp(_later_than_all(now_ms, [job, *found.jobs]), caller.display, _REASON)
    rerunning = _Rerunning(services, stamp, until)
    if not is_begun:
        job = rerunning.begin(job, parameters)
    is_whole = rerunning.go_on(found, began_ms=_life_began_ms(job))
    rerunning.judge()
    raise_first_failure(rerunning.failures)
    counts = Rerun(
        len(rerunning.moved),
        rerunning.left_at_limit,
        rerunning.left_active,
        complete=is_whole,
        cursor=None if is_whole else str(job.reopened),
    )
    return find_job(services, job_id), counts


def _is_begun(job: Job, cursor: str | None) -> bool:
    """Tells whether a call goes on with a rerun that an earlier call began."""
    if cursor is None:
        return job.reopened > 0 and not job.is_terminal
    if not _CURSOR.fullmatch(cursor) or int(cursor) > job.reopened:
        raise InvalidRequest.of("cursor", "is not a cursor of this rerun; leave it out to start over")
    return True


def _refuse_unless_ended(job: Job, following: Sequence[Job]) -> None:
    if not job.is_terminal:
        raise NotRetryable(
            job.job_id, f"is {job.state} and has not ended; wait until it has, or cancel it first"
        )
    if not may_be_reopened(job.history):
        raise NotRetryable(
            job.job_id,
            f"ran again after {limits.MAX_REOPENINGS} reopenings, the most allowed; submit a new job",
        )
    active = next((each for each in following if each.state in DISPATCHED), None)
    if active is not None:
        raise NotRetryable(
            job.job_id,
            f"can't be rerun while {active.job_id}, which follows it, is {active.state}; "
            "wait until that has ended, or cancel it first",
        )


def _check_parameters(
    services: Services, job: Job, parameters: Mapping[str, Json], *, is_begun: bool
) -> None:
    violations = list(type_violations(services, job.type, parameters, lambda field: field))
    if violations:
        raise InvalidRequest(violations)
    if is_begun and services.jobs.load_input(job).parameters != parameters:
        raise NotRetryable(
            job.job_id, f"is {job.state} with other parameters; wait until it has ended, or cancel it first"
        )


def _would_rerun(job: Job, following: Sequence[Job], *, is_begun: bool) -> Rerun:
    began_ms = _life_began_ms(job) if is_begun else 0
    wanted = [each for each in [job, *following] if not _is_done(each, began_ms)]
    idle = [each for each in wanted if each.state not in DISPATCHED]
    able = sum(may_be_reopened(each.history) for each in idle)
    return Rerun(able, left_at_limit=len(idle) - able, left_active=len(wanted) - len(idle))


def _later_than_all(now_ms: int, jobs: Sequence[Job]) -> int:
    """Returns the time of the rerun: later than every step so far, whatever the clocks of their actors said."""
    return max([now_ms, *(job.history[-1].at_ms + 1 for job in jobs if job.history)])


def _life_began_ms(job: Job) -> int:
    """Returns when a reopened job was reopened last, in milliseconds since the epoch; 0 for any other job."""
    if not job.reopened:
        return 0
    return max((entry.at_ms for entry in job.history if entry.state is State.PENDING), default=0)


def _is_done(job: Job, began_ms: int) -> bool:
    """Tells whether the job began a new life with the rerun that began at `began_ms`, or after it."""
    return 0 < began_ms <= _life_began_ms(job)


@dataclass(slots=True)
class _Rerunning:
    """Collects the jobs that one call reruns."""

    services: Services
    stamp: Stamp
    until: Deadline
    moved: list[Job] = field(default_factory=list)
    left_at_limit: int = 0
    left_active: int = 0
    failures: list[TransitionOutcome] = field(default_factory=list)

    def begin(self, job: Job, parameters: Mapping[str, Json] | None) -> Job:
        """Begins a new life of the job itself; returns the job. Raises ServiceUnavailable if it changed."""
        part = None
        if parameters is not None:
            depends_on = self.services.jobs.load_input(job).depends_on
            part = self.services.jobs.store_input(job, JobInput(parameters, depends_on))
        remind_of_reopened(self.services, [job], self.stamp.now_ms)
        try:
            begun = apply_leaving(self.services, RerunUnlessDispatched(job, self.stamp, part))
        except TransitionRefused as refused:
            raise ServiceUnavailable(
                f"job {job.job_id} changed to {refused.job.state} meanwhile; send the request again"
            ) from refused
        self.moved.append(begun)
        return begun

    def go_on(self, found: Downstream, *, began_ms: int) -> bool:
        """Begins a new life of each job that follows, upstreams first; False if the deadline came before the end."""
        jobs = {each.job_id: each for each in found.jobs}
        work = [
            portion for layer in _layers(found) for portion in portions([jobs[job_id] for job_id in layer])
        ]
        done = 0
        for portion in while_time(work, self.until):
            self._rerun([each for each in portion if not _is_done(each, began_ms)], began_ms)
            done += 1
        return done == len(work)

    def _rerun(self, jobs: Sequence[Job], began_ms: int) -> None:
        for _ in range(_TRIES):
            able = [each for each in jobs if each.state not in DISPATCHED and may_be_reopened(each.history)]
            self.left_active += sum(each.state in DISPATCHED for each in jobs)
            self.left_at_limit += sum(
                each.state not in DISPATCHED and not may_be_reopened(each.history) for each in jobs
            )
            remind_of_reopened(self.services, able, self.stamp.now_ms)
            outcomes = apply_lean(self.services, [RerunUnlessDispatched(each, self.stamp) for each in able])
            self.moved += [outcome for outcome in outcomes if isinstance(outcome, Job)]
            self.failures += [
                outcome for outcome in outcomes if not isinstance(outcome, Job | TransitionRefused)
            ]
            changed = [outcome.job for outcome in outcomes if isinstance(outcome, TransitionRefused)]
            jobs = [each for each in changed if not _is_done(each, began_ms)]
            if not jobs:
                return
        self.failures.append(
            ServiceUnavailable(f"job {jobs[0].job_id} kept changing; send the request again")
        )

    def judge(self) -> None:
        """Judges the jobs that began a new life, upstreams first. The reaper judges those that there is no time for."""
        costly = COSTLY_PER_CALL  # for the whole call, not for each portion: a client waits for the answer
        for portion in while_time(portions(self.moved), self.until):
            until = NEVER if self.until is NEVER else self.until.later(_PORTION_MS)
            judge_waiting(self.services, portion, replace(self.stamp, reason=""), until=until, costly=costly)
            costly = 0


def _layers(found: Downstream) -> Iterator[tuple[str, ...]]:
    """Yields the ids of the jobs in layers: each job comes after all of its upstreams among them."""
    jobs = {each.job_id for each in found.jobs}
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(jobs, ()))
    for upstream, following in found.edges:
        if upstream in jobs and following in jobs:
            sorter.add(following, upstream)
    sorter.prepare()
    while sorter.is_active():
        layer = tuple(sorted(sorter.get_ready()))
        yield layer
        sorter.done(*layer)
