"""The answers about the progress of workflows: rows of the list, graphs, and states of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from typing_extensions import TypedDict

from tidegate.contracts.forecast import IntervalOut, NoteOut, Notes, interval_out, notes_out
from tidegate.contracts.judgements import JudgementOut, workflow_judgement_out
from tidegate.contracts.times import Time, to_wire
from tidegate.domain.dependency import DependencyType
from tidegate.domain.forecast.forecast import COVERAGE, Interval
from tidegate.domain.progress import Summary
from tidegate.domain.states import State
from tidegate.domain.submission import Submission
from tidegate.domain.workflow_graph import KnownBy, OutsideEdge, PathStep, WorkflowGraph

LETTERS: Mapping[State, str] = {
    State.PENDING: "P",
    State.SCHEDULED: "D",
    State.READY: "R",
    State.QUEUED: "Q",
    State.RUNNING: "A",
    State.SUCCEEDED: "S",
    State.FAILED: "F",
    State.TIMED_OUT: "T",
    State.CANCELLED: "C",
    State.SKIPPED: "K",
}
"""One letter for each state, so that 10,000 states are 10,000 characters. D is for delayed, A for active."""


class WorkflowSummaryOut(TypedDict):
    """How a workflow stands. `counts` has the number of jobs in each state that some job is in.

    `judgement` is what is known about its `finish_by` without a forecast, null where nothing is.
    """

    state: str
    counts: Mapping[str, int]
    started_at: Time | None
    ended_at: Time | None
    critical_path_seconds: float | None
    finish_by: Time | None
    judgement: JudgementOut | None


class RowForecastOut(TypedDict):
    """The forecast of a row: when the workflow ends, null where it does not end as things stand."""

    end: IntervalOut | None


class ListForecastOut(TypedDict):
    """The forecast of a page. `left_out` counts the workflows that run and have none."""

    asked_at: Time | None
    left_out: int
    coverage: float
    draws: int
    notes: list[NoteOut]


class WorkflowRowOut(WorkflowSummaryOut):
    """A workflow as a row of the list. `forecast` is null where it has ended, or was not forecast."""

    workflow_id: str
    name: str | None
    created_at: Time | None
    submitted_by: str | None
    tags: Mapping[str, str]
    job_count: int
    forecast: RowForecastOut | None


class WorkflowListOut(TypedDict):
    """A page of workflows. The page looked at `looked_at` of them, back to the time `looked_back_to`.

    `forecast` is null unless it is asked for.
    """

    workflows: list[WorkflowRowOut]
    forecast: ListForecastOut | None
    looked_at: int
    looked_back_to: Time | None
    cursor: str | None


class GraphOut(TypedDict):
    """A workflow's graph by columns, each in the order of the submission. It never changes.

    `types` lists the job types, and `type_of` the place of each job's type in that list. `parents` lists for each job
    how many places before it each of its parents stands. An edge is of type MUST_SUCCEED unless `edge_types` lists it
    as job, place among the job's parents, type. `outside` lists edges from jobs of earlier submissions as job and id of
    the upstream, with the type behind them if it is another than MUST_SUCCEED. Jobs are named by their index.
    """

    workflow_id: str
    job_count: int
    keys: list[str]
    types: list[str]
    type_of: list[int]
    estimates: list[float | None]
    parents: list[list[int]]
    edge_types: list[list[int | str]]
    outside: list[list[int | str]]
    critical_path: list[int]
    critical_path_seconds: float | None


class CriticalPathOut(TypedDict):
    """The chain of a workflow's jobs that takes longest, by columns, first job first.

    `seconds` is the length of the whole path, and `measured_seconds` the part of it that ended jobs took. `jobs` are
    indexes in the workflow. `known_by` says of each job whether its seconds are MEASURED, ESTIMATED, or UNKNOWN and 0.
    The columns are empty where nothing is known of any job.
    """

    workflow_id: str
    job_count: int
    version: str
    state: str
    seconds: float
    measured_seconds: float
    jobs: list[int]
    keys: list[str]
    states: list[str]
    job_seconds: list[float]
    known_by: list[str]


class StatesOut(WorkflowSummaryOut):
    """The states of a workflow's jobs, a letter each.

    `states` has one letter for each job, in the order of the submission. It is null where the request named a version:
    then `changes` lists by letter the indexes of the jobs that changed since.
    """

    workflow_id: str
    job_count: int
    version: str
    states: str | None
    changes: Mapping[str, list[int]]


def summary_out(submission: Submission, summary: Summary, now_ms: int) -> WorkflowSummaryOut:
    """Makes the fields that say how a workflow stands at `now_ms`, in milliseconds since the epoch."""
    return {
        "state": str(summary.state.shown(on_hold=submission.on_hold)),
        "counts": {str(state): count for state, count in summary.counts.items()},
        "started_at": to_wire(summary.started_at_ms),
        "ended_at": to_wire(summary.ended_at_ms),
        "critical_path_seconds": submission.critical_path_seconds,
        "finish_by": to_wire(submission.finish_by_ms),
        "judgement": workflow_judgement_out(submission, summary, now_ms),
    }


Ends = Mapping[str, Interval | None]
"""The forecast end of each workflow, by its id; None where it does not end as things stand."""


def workflow_row_out(
    submission: Submission, summary: Summary, now_ms: int, ends: Ends = MappingProxyType({})
) -> WorkflowRowOut:
    """Makes a row of the list of workflows at `now_ms`, in milliseconds since the epoch."""
    workflow_id = submission.submission_id
    return {
        "workflow_id": workflow_id,
        "name": submission.name,
        "created_at": to_wire(submission.created_at_ms),
        "submitted_by": submission.submitted_by,
        "tags": dict(submission.tags),
        "job_count": submission.job_count,
        **summary_out(submission, summary, now_ms),
        "forecast": {"end": interval_out(ends[workflow_id])} if workflow_id in ends else None,
    }


def list_forecast_out(now_ms: int, left_out: int, draws: int, notes: Notes) -> ListForecastOut:
    """Makes the forecast of a page at `now_ms`, in milliseconds since the epoch."""
    return {
        "asked_at": to_wire(now_ms),
        "left_out": left_out,
        "coverage": COVERAGE,
        "draws": draws,
        "notes": notes_out(notes),
    }


def graph_out(workflow_id: str, graph: WorkflowGraph) -> GraphOut:
    """Makes the answer about a graph. Parents are distances, because those repeat and compress well."""
    types = sorted(set(graph.types))
    place_of = {name: place for place, name in enumerate(types)}
    return {
        "workflow_id": workflow_id,
        "job_count": len(graph.keys),
        "keys": list(graph.keys),
        "types": types,
        "type_of": [place_of[name] for name in graph.types],
        "estimates": list(graph.estimates),
        "parents": [[index - edge.parent for edge in edges] for index, edges in enumerate(graph.parents)],
        "edge_types": [
            [index, place, str(edge.type)]
            for index, edges in enumerate(graph.parents)
            for place, edge in enumerate(edges)
            if edge.type is not DependencyType.MUST_SUCCEED
        ],
        "outside": [list(_outside_out(edge)) for edge in graph.outside],
        "critical_path": list(graph.critical_path),
        "critical_path_seconds": graph.critical_path_seconds,
    }


def _outside_out(edge: OutsideEdge) -> Iterator[int | str]:
    """Yields an edge without its type where that is the usual one, so that each is shorter than in the request.

    So the graph of the largest request fits an answer.
    """
    yield from (edge.downstream, edge.job_id)
    if edge.type is not DependencyType.MUST_SUCCEED:
        yield str(edge.type)


def critical_path_out(
    submission: Submission,
    summary: Summary,
    version: str,
    steps: Sequence[PathStep],
    keys: Sequence[str],
    states: Sequence[State],
) -> CriticalPathOut:
    """Makes the answer about a critical path. Sums are in seconds with three decimals."""
    measured = [step.seconds for step in steps if step.known_by is KnownBy.MEASURED]
    return {
        "workflow_id": submission.submission_id,
        "job_count": submission.job_count,
        "version": version,
        "state": str(summary.state.shown(on_hold=submission.on_hold)),
        "seconds": round(sum(step.seconds for step in steps), 3),
        "measured_seconds": round(sum(measured), 3),
        "jobs": [step.job for step in steps],
        "keys": list(keys),
        "states": [str(state) for state in states],
        "job_seconds": [step.seconds for step in steps],
        "known_by": [str(step.known_by) for step in steps],
    }


def states_out(
    submission: Submission,
    summary: Summary,
    version: str,
    states: tuple[State, ...] | None,
    changes: Mapping[int, State],
    now_ms: int,
) -> StatesOut:
    """Makes the answer about the states of a workflow's jobs at `now_ms`, in milliseconds since the epoch."""
    by_letter: dict[str, list[int]] = {}
    for index, state in changes.items():
        by_letter.setdefault(LETTERS[state], []).append(index)
    return {
        "workflow_id": submission.submission_id,
        "job_count": submission.job_count,
        "version": version,
        "states": None if states is None else "".join(LETTERS[state] for state in states),
        "changes": dict(sorted(by_letter.items())),
        **summary_out(submission, summary, now_ms),
    }
