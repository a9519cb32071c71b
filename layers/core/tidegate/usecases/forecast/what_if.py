"""Answers what would end when, if slots, priorities, pauses or submissions were others. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.domain.forecast.finish_by import FinishBy, Wanted, judge_finish
from tidegate.domain.forecast.forecast import draws_for
from tidegate.domain.forecast.run_times import RunTimes, learned
from tidegate.domain.forecast.scene import Scene, SceneJob
from tidegate.domain.forecast.what_if import WAITING, Changes, Compared, Comparison, change, compare
from tidegate.domain.job import Job, submission_of
from tidegate.domain.requests import WhatIfRequest
from tidegate.domain.submission import Submission
from tidegate.domain.suggestions import did_you_mean
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.forecast.notes import Note, cut_short, notes_of
from tidegate.usecases.forecast.read_scene import NamedWorkflow, SceneRead, read_compared_scene
from tidegate.usecases.read.visible import is_accepted, visible_jobs
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import known_overruns
from tidegate.usecases.submit.would_submit import IfSubmitted, jobs_if_submitted

_ADDED: Final = (
    "submitted"  # the id of the submission that exists in the comparison alone; no ULID is like it
)
_STAGES: Final = 2  # the scene is read in the first half of the time, both courses are stepped in the other
_ENDED: Final = Compared(None, None, None, is_same=True)  # of a workflow in which nothing is left to run


@dataclass(frozen=True, slots=True)
class WorkflowCompared:
    """A workflow with its end as things stand and after the changes. `has_ended`: it has no job left to run."""

    submission: Submission
    end: Compared
    has_ended: bool


@dataclass(frozen=True, slots=True)
class JobCompared:
    """A job that was asked about with its end as things stand and after the changes. None where it has ended."""

    job: Job
    end: Compared | None


@dataclass(frozen=True, slots=True)
class SubmittedCompared:
    """The submission that was asked about: the number of its jobs, its end, and the judgement about its time.

    `finish_by` is None where the submission has no such time.
    """

    job_count: int
    end: Compared
    finish_by: FinishBy | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer to a what-if.

    `workflows` are those that were asked about, and those whose end changes, the most first. `unchanged` counts the
    others that were read. `draws` is how often both courses were stepped.
    """

    workflows: tuple[WorkflowCompared, ...]
    unchanged: int
    jobs: tuple[JobCompared, ...]
    submitted: SubmittedCompared | None
    draws: int
    notes: tuple[Note, ...]


def what_if(
    services: Services, request: WhatIfRequest, caller: Caller, *, now_ms: int, until: Deadline = NEVER
) -> WhatIf:
    """Compares when jobs and workflows end as things stand, and after the changes of the request.

    Reads what `read_compared_scene` says, and no further other workflow after half of the time until `until`. Both
    courses are stepped at least once, and no more after `until`. Raises
    InvalidRequest that names each wrong field, ShareFull and NotYours as the submission would; ServiceUnavailable or
    ServiceRefused.
    """
    named = _named(services, request)
    added = _added(services, request, caller, now_ms)
    read = read_compared_scene(
        services, named.whole(request), named.alone, added.jobs, now_ms, until=until.part(_STAGES)
    )
    new_ids = {job.job_id for job in added.jobs}
    scene, joining = _without(read.scene, new_ids)
    changes = Changes(
        slots=_slots(request, scene),
        priorities=_priorities(request, read),
        paused_pools=frozenset(request.pause_pools),
        paused_types=frozenset(request.pause_types),
        added=joining,
        weights=added.weights,
    )
    changed = change(scene, changes, services.settings.window)
    groups = _Groups.of(read, named.asked, bool(added.jobs))
    run_times = learned(read.ended, known_overruns(services, now_ms, until))
    wanted = draws_for(2 * len(changed.jobs))
    found = compare(scene, changed, run_times, groups.ids, draws=wanted, is_over=until.is_over)
    of_then = replace(read, scene=changed)
    judged = _judged(services, request, of_then.scene, run_times, groups, found, until)
    return groups.answer(
        services, named, added.jobs, found, _notes(of_then, run_times, groups, found, wanted), judged
    )


def _judged(
    services: Services,
    request: WhatIfRequest,
    changed: Scene,
    run_times: RunTimes,
    groups: _Groups,
    found: Comparison,
    until: Deadline,
) -> FinishBy | None:
    """Judges whether the submission ends by its own time after the changes."""
    finish_by_ms = None if request.submit is None else request.submit.finish_by_ms
    if finish_by_ms is None or not groups.of_submitted:
        return None
    ends = found.groups[-1]
    return judge_finish(
        changed,
        run_times,
        Wanted(groups.ids[-1], finish_by_ms),
        ends.then_ms,
        window=services.settings.window,
        is_over=until.is_over,
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """The jobs and workflows that a request names, by their ids."""

    jobs: Mapping[str, Job]
    workflows: Mapping[str, Submission]
    asked: tuple[str, ...]

    def whole(self, request: WhatIfRequest) -> dict[str, NamedWorkflow]:
        """Returns the workflows that are to be read whole, by id."""
        fields = _fields(request, self.workflows)
        return {each: NamedWorkflow(path, self.workflows[each].job_count) for each, path in fields.items()}

    @property
    def alone(self) -> list[Job]:
        """The jobs that were submitted alone and have not ended."""
        return [job for job in self.jobs.values() if job.workflow_id is None and not job.is_terminal]


def _named(services: Services, request: WhatIfRequest) -> _Named:
    """Finds what the request names. Raises InvalidRequest, also for pools and types that are not known."""
    asked = tuple(dict.fromkeys((*request.about, *request.priorities)))
    jobs: dict[str, Job] = {}
    submissions: dict[str, Submission] = {}
    if asked:
        jobs = {
            job.job_id: job
            for job in visible_jobs(services, services.jobs.get_many(asked, consistent=True).values())
        }
        ids = list(dict.fromkeys(submission_of(each) for each in asked if each not in jobs or "." in each))
        found = services.submissions.get_many(ids) if ids else {}
        submissions = {each: found[each] for each in ids if each in found and is_accepted(found[each])}
    violations = [
        *(
            Violation(
                path,
                f"there is no job and no workflow {each!r}; check the id, it may have passed its retention",
            )
            for path, each in _paths(request)
            if each not in jobs and each not in submissions
        ),
        *(
            Violation(f"priorities.{each}", f"job {each} is {job.state}; a priority counts while a job waits")
            for each, job in jobs.items()
            if each in request.priorities and job.state not in WAITING
        ),
        *_too_many(request, submissions),
        *_unknown_names(services, request),
    ]
    if violations:
        raise InvalidRequest(violations)
    return _Named(jobs, submissions, asked)


def _paths(request: WhatIfRequest) -> Iterator[tuple[str, str]]:
    for place, each in enumerate(request.about):
        yield f"about[{place}]", each
    for each in request.priorities:
        yield f"priorities.{each}", each


def _fields(request: WhatIfRequest, submissions: Mapping[str, Submission]) -> dict[str, str]:
    """Returns for each of these workflows the path that names it, or a job of it, first."""
    fields: dict[str, str] = {}
    for path, each in _paths(request):
        if submission_of(each) in submissions:
            fields.setdefault(submission_of(each), path)
    return fields


def _too_many(request: WhatIfRequest, submissions: Mapping[str, Submission]) -> Iterator[Violation]:
    """Yields a violation for the first named workflow with which there would be too many jobs to read."""
    count = 0
    for workflow_id, path in _fields(request, submissions).items():
        count += submissions[workflow_id].job_count
        if count > limits.MAX_WHAT_IF_JOBS:
            yield Violation(
                path,
                f"the workflows that are named up to here have {count:,} jobs together, ended or not; "
                f"{limits.MAX_WHAT_IF_JOBS:,} are allowed; name fewer",
            )
            return


def _unknown_names(services: Services, request: WhatIfRequest) -> Iterator[Violation]:
    pools, types = services.settings.pools, services.registry.types()
    named = [
        *((f"slots.{name}", name) for name in request.slots),
        *((f"add_slots.{name}", name) for name in request.add_slots),
        *((f"pause_pools[{place}]", name) for place, name in enumerate(request.pause_pools)),
    ]
    for path, name in named:
        if name not in pools:
            known = ", ".join(sorted(pools))
            yield Violation(path, f"unknown pool {name!r}; pools are {known}{did_you_mean(name, pools)}")
    for place, name in enumerate(request.pause_types):
        if name not in types:
            known = ", ".join(types)
            yield Violation(
                f"pause_types[{place}]",
                f"unknown job type {name!r}; types are {known}{did_you_mean(name, types)}",
            )


def _added(services: Services, request: WhatIfRequest, caller: Caller, now_ms: int) -> IfSubmitted:
    if request.submit is None:
        return IfSubmitted((), {})
    try:
        return jobs_if_submitted(services, request.submit, caller, now_ms, _ADDED)
    except InvalidRequest as error:
        raise InvalidRequest(
            [replace(each, field=f"submit.{each.field}") for each in error.violations]
        ) from error


def _without(scene: Scene, ids: set[str]) -> tuple[Scene, tuple[SceneJob, ...]]:
    """Returns the scene without these jobs, and the jobs."""
    rest = tuple(job for job in scene.jobs if job.job_id not in ids)
    return replace(scene, jobs=rest), tuple(job for job in scene.jobs if job.job_id in ids)


def _slots(request: WhatIfRequest, scene: Scene) -> dict[str, int]:
    """Returns the new number of slots by pool. Raises InvalidRequest where it would be below 0 or too large."""
    wanted = dict(request.slots)
    violations: list[Violation] = []
    for name, more in request.add_slots.items():
        wanted[name] = scene.pools[name].slots + more
        if not 0 <= wanted[name] <= limits.MAX_WHAT_IF_SLOTS:
            violations.append(
                Violation(
                    f"add_slots.{name}",
                    f"pool {name} has {scene.pools[name].slots:,} slots, and would have {wanted[name]:,}; "
                    f"0 to {limits.MAX_WHAT_IF_SLOTS:,} are allowed",
                )
            )
    if violations:
        raise InvalidRequest(violations)
    return wanted


def _priorities(request: WhatIfRequest, read: SceneRead) -> dict[str, int]:
    """Returns the new priorities by job. A job's own goes before that of its workflow."""
    found: dict[str, int] = {}
    for job in read.wanted:
        priority = request.priorities.get(job.job_id, request.priorities.get(submission_of(job.job_id)))
        if priority is not None:
            found[job.job_id] = priority
    return found


@dataclass(frozen=True, slots=True)
class _Groups:
    """The groups of jobs whose ends are compared: workflows, jobs that were asked about, and the submission."""

    asked: tuple[str, ...]
    of_workflows: Mapping[str, Sequence[Job]]
    of_jobs: Mapping[str, Job]
    of_submitted: Sequence[Job] = field(default=())

    @classmethod
    def of(cls, read: SceneRead, asked: tuple[str, ...], is_submitting: bool) -> _Groups:
        """Groups the jobs that were read and are not going to be skipped."""
        going = [job for job in read.wanted if job.job_id not in read.skipped]
        whole: dict[str, list[Job]] = {each: [] for each in read.workflows}
        added: list[Job] = []
        for job in going:
            submission_id = submission_of(job.job_id)
            if is_submitting and submission_id == _ADDED:
                added.append(job)
            elif job.workflow_id in whole:
                whole[submission_id].append(job)
        named = {job.job_id: job for job in going if job.job_id in asked}
        return cls(asked, {each: jobs for each, jobs in whole.items() if jobs}, named, added)

    @property
    def ids(self) -> list[list[str]]:
        """The ids of each group's jobs: workflows first, then jobs, then the submission."""
        lists = [*self.of_workflows.values(), *([job] for job in self.of_jobs.values()), self.of_submitted]
        return [[job.job_id for job in jobs] for jobs in lists]

    def answer(
        self,
        services: Services,
        named: _Named,
        added: Sequence[Job],
        found: Comparison,
        notes: tuple[Note, ...],
        judged: FinishBy | None,
    ) -> WhatIf:
        """Puts the answer together. Reads the records of the workflows that it shows: one request."""
        workflows = dict(zip(self.of_workflows, found.groups, strict=False))
        jobs = dict(zip(self.of_jobs, found.groups[len(workflows) :], strict=False))
        shown = {each: end for each, end in workflows.items() if each in self.asked or not end.is_same}
        shown |= {each: _ENDED for each in named.workflows if each in self.asked and each not in workflows}
        records = dict(named.workflows)
        missing = [each for each in shown if each not in records]
        if missing:
            records |= services.submissions.get_many(missing)
        rows = [
            WorkflowCompared(records[each], end, each not in workflows)
            for each, end in shown.items()
            if each in records
        ]
        return WhatIf(
            tuple(sorted(rows, key=_by_change)),
            len(workflows) - len(shown.keys() & workflows.keys()),
            tuple(
                JobCompared(self.of_jobs.get(each, named.jobs[each]), jobs.get(each))
                for each in self.asked
                if each in named.jobs
            ),
            SubmittedCompared(len(added), found.groups[-1], judged) if added else None,
            found.draws,
            notes,
        )


def _by_change(row: WorkflowCompared) -> tuple[bool, float, str]:
    """Orders workflows: those that end in one of the two courses alone, then by how much the end changes."""
    end = row.end
    one_sided = (end.today is None) is not (end.then is None)
    change_ms = 0 if end.later is None else abs(end.later.p50_ms)
    return not one_sided, -change_ms, row.submission.submission_id


def _notes(
    read: SceneRead, run_times: RunTimes, groups: _Groups, found: Comparison, wanted: int
) -> tuple[Note, ...]:
    jobs = {job.job_id: job for each in groups.of_workflows.values() for job in each} | dict(groups.of_jobs)
    jobs |= {job.job_id: job for job in groups.of_submitted}
    return (*notes_of(read, run_times, list(jobs.values())), *cut_short(found.draws, wanted))
