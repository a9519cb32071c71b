"""Runs job code in a test: one job with a context, or a workflow in the order of its dependencies. Needs no AWS.

from tidegate.jobs.testing import run_job

def test_words_are_counted() -> None:
    assert run_job("text.count", {"text": "a b"}).result == 2
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from tidegate.domain.dependency import (
    CONDITION_ERROR,
    NOT_TAKEN,
    DependencyType,
    Verdict,
    judge,
    skip_code,
    unsatisfiable_reason,
)
from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Json, Progress
from tidegate.domain.outside import HandedOver
from tidegate.domain.states import State
from tidegate.jobs.attempt import ReportKind, run_attempt
from tidegate.jobs.context import JobContext, StopRequest, Upstream
from tidegate.jobs.registry import REGISTRY, RegistrationError, Registry

Evaluate = Callable[[str, Mapping[str, Json]], bool]
"""Evaluates a condition over an upstream, as `CelConditions().evaluate` of `tidegate.adapters.conditions.cel` does."""

TEST_TOKEN = "token-of-a-test"  # noqa: S105  # nosec B105 - it finishes nothing
"""The token that a job's code gets here."""

_STATES = {
    ReportKind.SUCCEEDED: State.SUCCEEDED,
    ReportKind.FAILED: State.FAILED,
    ReportKind.TIMED_OUT: State.TIMED_OUT,
    ReportKind.STOPPED: State.CANCELLED,
    ReportKind.HANDED_OVER: State.RUNNING,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a job: its result when SUCCEEDED, otherwise a code and a message.

    `retryable` says if tidegate would run a FAILED job again. `progress` has every report, oldest first. A job whose
    code returned `HandedOver` is RUNNING, and `handed_over` is that value.
    """

    state: State
    result: Json = None
    code: str = ""
    message: str = ""
    retryable: bool = True
    progress: tuple[Progress, ...] = ()
    duration_seconds: float = 0.0
    handed_over: HandedOver | None = None


def run_job(
    job_type: str,
    parameters: Mapping[str, Json] | None = None,
    *,
    upstreams: Sequence[Upstream] = (),
    attempt: int = 1,
    key: str | None = None,
    timeout_seconds: float = 60.0,
    cancel_at_progress: int | None = None,
    registry: Registry = REGISTRY,
) -> Outcome:
    """Runs one attempt of a registered type in this process, and returns its end. No error of job code is raised.

    `upstreams` are the jobs that it may read. `cancel_at_progress` asks it to stop when it reports progress for that
    time, counted from 1; 0 asks before it begins. The timeout is for code that checks its context: nothing here stops
    other code. Raises RegistrationError if no such type is registered; import the module with its code first.
    """
    found = registry.find(job_type)
    if found is None:
        raise RegistrationError(
            f"no job type {job_type!r} is registered; types are {', '.join(registry.types())}"
        )
    stop, reported = StopRequest(), list[Progress]()

    def report(progress: Progress) -> None:
        reported.append(progress)
        if len(reported) == cancel_at_progress:
            stop.ask("the test cancelled it")

    if cancel_at_progress == 0:
        stop.ask("the test cancelled it")
    began = time.monotonic()
    context = JobContext(
        job_id=f"test.{key or job_type}",
        attempt=attempt,
        remaining_seconds=lambda: began + timeout_seconds - time.monotonic(),
        report_progress=report,
        stop=stop,
        key=key,
        upstreams=upstreams if found.reads_upstreams else (),
        finish_token="" if found.second_attempt else TEST_TOKEN,
    )
    end = run_attempt(found, parameters or {}, context)
    seconds = time.monotonic() - began
    return Outcome(
        _STATES[end.kind],
        end.result,
        end.code,
        end.message,
        end.retryable,
        tuple(reported),
        seconds,
        end.handed_over,
    )


def run_workflow(
    workflow: Mapping[str, Any], *, evaluate: Evaluate | None = None, registry: Registry = REGISTRY
) -> dict[str, Outcome]:
    """Runs the jobs of a workflow one after the other, and returns their ends by key.

    `workflow` is a body as `POST /v1/workflows` takes it. Dependencies are judged by the rules of the engine: a job
    whose dependency is unsatisfiable is SKIPPED. Each job runs once, because waiting and retrying are tidegate's part.
    Raises ValueError for a condition without `evaluate`, and for a dependency on a job of another submission,
    graphlib.CycleError for a cycle, KeyError for an unknown key, and RegistrationError for an unknown type.
    """
    jobs = {job["key"]: job for job in workflow["jobs"]}
    edges = {key: [_checked(key, edge) for edge in job.get("depends_on", ())] for key, job in jobs.items()}
    ends: dict[str, Outcome] = {}
    for key in TopologicalSorter({key: [edge["key"] for edge in edges[key]] for key in jobs}).static_order():
        skipped = _skipped(edges[key], ends, evaluate)
        upstreams = [
            Upstream(f"test.{edge['key']}", edge["key"], ends[edge["key"]].state, ends[edge["key"]].result)
            for edge in edges[key]
        ]
        ends[key] = skipped or run_job(
            jobs[key]["type"], jobs[key].get("parameters"), upstreams=upstreams, key=key, registry=registry
        )
    return ends


def _checked(key: str, edge: Mapping[str, Any]) -> Mapping[str, Any]:
    if "key" not in edge:
        raise ValueError(f"job {key!r} depends on a job of another submission, which does not run here")
    return edge


def _skipped(
    edges: Sequence[Mapping[str, Any]], ends: Mapping[str, Outcome], evaluate: Evaluate | None
) -> Outcome | None:
    """Returns the end of a job that its upstreams rule out, None if it may run. A failure counts before a branch."""
    ruled_out = [found for edge in edges if (found := _ruled_out(edge, ends[edge["key"]], evaluate))]
    return min(ruled_out, key=lambda each: each.code == NOT_TAKEN, default=None)


def _ruled_out(edge: Mapping[str, Any], upstream: Outcome, evaluate: Evaluate | None) -> Outcome | None:
    kind = DependencyType(edge.get("type", DependencyType.MUST_SUCCEED))
    verdict = judge(kind, upstream.state, started=upstream.state is not State.SKIPPED)
    detail = ""
    if verdict is Verdict.EVALUATE:
        if evaluate is None:
            raise ValueError("the workflow has conditions: pass evaluate=CelConditions().evaluate")
        try:
            if evaluate(str(edge["condition"]), _view(upstream)):
                return None
        except ConditionError as error:
            return Outcome(State.SKIPPED, code=CONDITION_ERROR, message=str(error))
        detail = f"is false: {edge['condition']}"
    elif verdict is Verdict.SATISFIED:
        return None
    reason = unsatisfiable_reason(kind, edge["key"], upstream.state, detail)
    return Outcome(State.SKIPPED, code=skip_code(kind, upstream.code), message=reason)


def _view(upstream: Outcome) -> dict[str, Json]:
    """Makes the value that a condition sees as `upstream` (docs/reference/dependencies.md)."""
    failed = bool(upstream.code)
    return {
        "status": upstream.state.value,
        "result": upstream.result,
        "duration_seconds": upstream.duration_seconds,
        "attempts": 0 if upstream.state is State.SKIPPED else 1,
        "code": upstream.code,
        "reason": upstream.message,
        "error": {"code": upstream.code, "message": upstream.message} if failed else None,
    }
