"""Release: what a changed upstream means for the jobs that wait on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tidegate.domain.dependency import Dependency, Dependent, Verdict, judge, unsatisfiable_reason
from tidegate.domain.errors import ConditionError, NotFound, TransitionRefused
from tidegate.domain.job import Job, JobFailure, Json, lean
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.transitions import (
    Ending,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    SkipIfPending,
    Stamp,
    Transition,
)
from tidegate.ports import MoveOutcome
from tidegate.usecases.choose_pool import PoolChooser
from tidegate.usecases.each import raise_first_failure
from tidegate.usecases.portions import read_lean
from tidegate.usecases.services import Services

ACTOR = "release"
_Judged: TypeAlias = tuple[Job, Dependent, Verdict]
_ROUNDS = (
    4  # optimistic, then corrected by what the refused write brought back; the reaper repairs what is left
)
_VIEWS_KEPT = 8  # a result may have 256 KB


@dataclass(slots=True)
class _Decision:
    """What is now known of one downstream: ordinals satisfied, and those that never will be, with the reason."""

    satisfied: set[int] = field(default_factory=set)
    failed: dict[int, JobFailure] = field(default_factory=dict)

    def why_skipped(self, job: Job) -> tuple[int, JobFailure] | None:
        """The first reason why the job can never run; None where it may, or no longer waits on what failed."""
        return next((item for item in self.failed.items() if item[0] in job.waiting_on), None)

    def concerns(self, job: Job) -> bool:
        """Whether there is something left to do for a PENDING job."""
        return (
            not job.waiting_on or self.why_skipped(job) is not None or bool(self.satisfied & job.waiting_on)
        )


def release(services: Services, changed: Iterable[Job], now_ms: int) -> tuple[Job, ...]:
    """Carries what happened to upstreams over to their dependents; safe to repeat and to run twice at once.

    `changed` are jobs that started running or ended. Returns the jobs that left PENDING through this call. Raises
    DependencyUnavailable for a job that could not be reached when the others have been moved.
    """
    latest = {job.job_id: job for job in changed}
    edges = [
        (upstream, dependent)
        for upstream in latest.values()
        for dependent in services.jobs.list_dependents(upstream)
    ]
    return settle(services, edges, now_ms)


def settle(services: Services, edges: Sequence[tuple[Job, Dependent]], now_ms: int) -> tuple[Job, ...]:
    """Judges edges by the upstreams as they are given, and moves the downstreams that are decided.

    Returns the jobs that left PENDING through this call.
    """
    judged = [
        (upstream, edge, judge(edge.type, upstream.state, upstream.was_started)) for upstream, edge in edges
    ]
    decided: list[_Judged] = [
        (upstream, edge, verdict) for upstream, edge, verdict in judged if verdict is not Verdict.UNDECIDED
    ]
    downstreams = _load_pending(services, {edge.job_id for _, edge, _ in decided})
    decided = _confirmed(services, decided, downstreams)
    conditional = services.jobs.load_dependencies(
        [
            (downstreams[edge.job_id], edge.ordinal)
            for _, edge, verdict in decided
            if verdict is Verdict.EVALUATE and _waits(edge, downstreams)
        ]
    )
    conditions = Conditions(services)
    decisions: dict[str, _Decision] = {}
    for upstream, edge, verdict in decided:
        downstream = downstreams.get(edge.job_id)
        if downstream is None or edge.ordinal not in downstream.waiting_on or verdict is Verdict.UNDECIDED:
            continue  # seen before: the event came again; or reopened
        decision = decisions.setdefault(edge.job_id, _Decision())
        if verdict is Verdict.EVALUATE:
            failure = conditions.failure(upstream, edge, conditional[edge.job_id, edge.ordinal])
        elif verdict is Verdict.UNSATISFIABLE:
            failure = _failure(upstream, edge)
        else:
            failure = None
        if failure is None:
            decision.satisfied.add(edge.ordinal)
        else:
            decision.failed[edge.ordinal] = failure
    return _carry_out(services, downstreams, decisions, now_ms)


def _waits(edge: Dependent, downstreams: Mapping[str, Job]) -> bool:
    downstream = downstreams.get(edge.job_id)
    return downstream is not None and edge.ordinal in downstream.waiting_on


def _confirmed(
    services: Services, decided: Sequence[_Judged], downstreams: Mapping[str, Job]
) -> list[_Judged]:
    """Judges again, as they stand now, the upstreams that may have been reopened since they were seen to have ended.

    News of how a job ended may come late. Read after the downstreams, for those are reopened after their upstreams.
    """
    doubted = {
        upstream.job_id: upstream
        for upstream, edge, _ in decided
        if upstream.state in REOPENABLE and _waits(edge, downstreams)
    }
    fresh = {
        job_id: services.jobs.get(job_id, consistent=True) or upstream for job_id, upstream in doubted.items()
    }
    latest = [(fresh.get(upstream.job_id, upstream), edge) for upstream, edge, _ in decided]
    return [
        (upstream, edge, judge(edge.type, upstream.state, upstream.was_started)) for upstream, edge in latest
    ]


def _load_pending(services: Services, job_ids: set[str]) -> dict[str, Job]:
    """The downstreams still PENDING. A read may be old: PENDING may be untrue by now, `waiting_on` too large."""
    jobs = read_lean(services, sorted(job_ids), consistent=False)
    for job_id in sorted(job_ids - jobs.keys()):
        fresh = services.jobs.get(job_id, consistent=True)  # written a moment ago, perhaps
        if fresh is not None:
            jobs[job_id] = lean(fresh)
    return {job_id: job for job_id, job in jobs.items() if job.state is State.PENDING}


def _failure(upstream: Job, edge: Dependent, detail: str = "") -> JobFailure:
    message = unsatisfiable_reason(edge.type, upstream.job_id, upstream.state, detail)
    return JobFailure("dependency-unsatisfiable", message, upstream.job_id)


@dataclass(slots=True)
class Conditions:
    """Evaluates conditions; reads each upstream's result once, and evaluates each expression over it once."""

    services: Services
    views: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    failures: dict[tuple[str, str], JobFailure | None] = field(default_factory=dict)

    def failure(self, upstream: Job, edge: Dependent, given: Dependency) -> JobFailure | None:
        """None where the edge's condition holds, else why it does not."""
        expression = given.condition or ""
        key = (upstream.job_id, expression)
        if key not in self.failures:
            self.failures[key] = self._evaluate(upstream, edge, expression)
        return self.failures[key]

    def _evaluate(self, upstream: Job, edge: Dependent, expression: str) -> JobFailure | None:
        try:
            if upstream.job_id not in self.views:
                if len(self.views) == _VIEWS_KEPT:
                    self.views.clear()
                self.views[upstream.job_id] = condition_view(self.services, upstream)
            holds = self.services.conditions.evaluate(expression, self.views[upstream.job_id])
        except (ConditionError, NotFound) as error:  # a result may have passed its retention before its job
            return _failure(upstream, edge, f"could not be evaluated: {error}")
        return None if holds else _failure(upstream, edge, f"is false: {expression}")


def condition_view(services: Services, upstream: Job) -> Mapping[str, Json]:
    """What a condition sees as `upstream`."""
    failure = upstream.failure
    return {
        "status": upstream.state.value,
        "result": services.jobs.load_result(upstream),
        "duration_seconds": upstream.actual_duration_seconds or 0.0,
        "attempts": upstream.attempt,
        "error": {"code": failure.code, "message": failure.message} if failure else None,
    }


def _carry_out(
    services: Services, downstreams: Mapping[str, Job], decisions: Mapping[str, _Decision], now_ms: int
) -> tuple[Job, ...]:
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
    services: Services, job: Job, decision: _Decision, stamp: Stamp, chooser: PoolChooser
) -> Transition:
    skipped = decision.why_skipped(job)
    if skipped is not None:
        ordinal, failure = skipped
        ending = Ending(
            State.SKIPPED, failure=failure, expires_at_s=services.settings.expires_at_s(stamp.now_ms)
        )
        return SkipIfPending(job, ordinal, ending, stamp)
    if job.waiting_on <= decision.satisfied:
        return ReadyIfWaitingOnlyOn(job, job.waiting_on, stamp, chooser.for_job(job))
    return ReleaseIfPending(job, frozenset(decision.satisfied))
