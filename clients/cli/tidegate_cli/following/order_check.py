"""Checks that a workflow ran in a legal order, by the recorded times and states of its jobs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.domain.dependency import DependencyType, Verdict, judge
from tidegate.domain.states import State
from tidegate_cli.views import DependencyView, JobView, format_time


@dataclass(frozen=True, slots=True)
class OrderViolation:
    """A job that ran, or was skipped, against one of its dependencies. `job` and `upstream` are labels."""

    job: str
    upstream: str
    type: DependencyType
    message: str

    def __str__(self) -> str:
        return f"{self.job} {self.type} {self.upstream}: {self.message}"


def check_order(jobs: Sequence[JobView], *, clock_skew_ms: int = 0) -> list[OrderViolation]:
    """Returns every violation among `jobs`, the jobs of one workflow.

    A job must have started after each of its dependencies was satisfied. It may seem up to `clock_skew_ms` too early,
    because workers' clocks differ (0 on one machine). A skipped job must have a dependency that explains it.
    Dependencies on jobs that are not among `jobs` are not checked. Conditions are not evaluated again.
    """
    by_id = {job.job_id: job for job in jobs}
    by_key = {job.key: job for job in jobs if job.key is not None}
    violations: list[OrderViolation] = []
    for job in jobs:
        pairs = [
            (dependency, upstream)
            for dependency in job.depends_on
            if (upstream := _upstream(dependency, by_id, by_key)) is not None
        ]
        if job.first_started_at_ms is not None:
            violations.extend(_started_too_early(job, pairs, job.first_started_at_ms + clock_skew_ms))
        elif job.state is State.SKIPPED and len(pairs) == len(job.depends_on):
            violations.extend(_skipped_for_nothing(job, pairs))
    return violations


def _upstream(
    dependency: DependencyView, by_id: Mapping[str, JobView], by_key: Mapping[str, JobView]
) -> JobView | None:
    if dependency.job_id is not None:
        return by_id.get(dependency.job_id)
    return by_key.get(dependency.key) if dependency.key is not None else None


def _started_too_early(
    job: JobView, pairs: Sequence[tuple[DependencyView, JobView]], latest_ms: int
) -> list[OrderViolation]:
    found = []
    for dependency, upstream in pairs:
        verdict = judge(dependency.type, upstream.state, upstream.has_begun)
        if verdict in (Verdict.UNDECIDED, Verdict.UNSATISFIABLE):
            why = f"started although its upstream is {upstream.state}"
            found.append(OrderViolation(job.label, upstream.label, dependency.type, why))
            continue
        by_start = dependency.type is DependencyType.MUST_START
        satisfied_ms = upstream.first_started_at_ms if by_start else upstream.finished_at_ms
        if satisfied_ms is None or satisfied_ms > latest_ms:
            event = "started" if by_start else "ended"
            at = "never" if satisfied_ms is None else f"at {format_time(satisfied_ms)}"
            started = format_time(job.first_started_at_ms or 0)
            why = f"started at {started}, its upstream {event} {at}"
            found.append(OrderViolation(job.label, upstream.label, dependency.type, why))
    return found


def _skipped_for_nothing(
    job: JobView, pairs: Sequence[tuple[DependencyView, JobView]]
) -> list[OrderViolation]:
    verdicts = [judge(dependency.type, upstream.state, upstream.has_begun) for dependency, upstream in pairs]
    if Verdict.UNSATISFIABLE in verdicts or Verdict.EVALUATE in verdicts:
        return []
    dependency_type = pairs[0][0].type if pairs else DependencyType.MUST_SUCCEED
    upstream = pairs[0][1].label if pairs else "-"
    return [
        OrderViolation(job.label, upstream, dependency_type, "skipped though no dependency is unsatisfiable")
    ]
