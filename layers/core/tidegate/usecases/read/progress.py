"""Shows the progress of one workflow: its summary, its graph, and the states of its jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.progress import (
    SEGMENT_JOBS,
    Segment,
    Summary,
    new_segment,
    segments_of,
    summary_of,
)
from tidegate.domain.states import State
from tidegate.domain.submission import Submission
from tidegate.domain.workflow_graph import PathStep, WorkflowGraph, critical_path_of
from tidegate.usecases.read.visible import find_workflow
from tidegate.usecases.services import Services

_SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class WorkflowStates:
    """The states of a workflow's jobs. `version` is what a later call gives to learn the changes alone.

    `states` holds the state of every job in the order of the workflow. It is None where the caller knew a version:
    then `changes` holds the states of the jobs that changed since, by index in the workflow.
    """

    submission: Submission
    summary: Summary
    version: str
    states: tuple[State, ...] | None
    changes: Mapping[int, State]


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """The critical path of a workflow, by its progress at `version`. `keys` and `states` are those of its steps."""

    submission: Submission
    summary: Summary
    version: str
    steps: tuple[PathStep, ...]
    keys: tuple[str, ...]
    states: tuple[State, ...]


def summarise(services: Services, submission: Submission) -> Summary:
    """Returns the summary of a workflow. It may lag behind its jobs by moments. Takes one query."""
    return summary_of(services.progress.load_all(submission.submission_id), submission.job_count)


def get_graph(services: Services, workflow_id: str) -> WorkflowGraph:
    """Returns the workflow's graph. Takes one read and one query.

    Raises NotFound, also where the workflow was submitted before graphs were stored; ServiceUnavailable.
    """
    find_workflow(services, workflow_id)
    graph = services.progress.load_graph(workflow_id)
    if graph is None:
        raise NotFound("graph of workflow", workflow_id)
    return graph


def get_states(services: Services, workflow_id: str, since: str | None = None) -> WorkflowStates:
    """Returns the states of the workflow's jobs, or only what changed after the version `since`.

    Takes one read and one query, whatever the number of jobs. A change since `since` is always among the changes; a
    job may be among them without a change where the version is old. Raises InvalidRequest where `since` is not a
    version of this workflow; NotFound; ServiceUnavailable.
    """
    submission = find_workflow(services, workflow_id)
    known = None if since is None else _versions_from(since, segments_of(submission.job_count))
    segments = load_segments(services, workflow_id, submission.job_count)
    return WorkflowStates(
        submission,
        summary_of(segments, submission.job_count),
        _version_of(segments),
        tuple(state for each in segments for state in each.states) if known is None else None,
        {} if known is None else _changes(segments, known),
    )


def get_critical_path(services: Services, workflow_id: str) -> CriticalPath:
    """Returns the chain of jobs that takes longest, by how long ended jobs ran and by the estimates of the others.

    Takes one read and two queries, whatever the number of jobs. Raises NotFound, also where the workflow was submitted
    before graphs were stored; ServiceUnavailable.
    """
    submission = find_workflow(services, workflow_id)
    graph = services.progress.load_graph(workflow_id)
    if graph is None:
        raise NotFound("graph of workflow", workflow_id)
    segments = load_segments(services, workflow_id, submission.job_count)
    steps = critical_path_of(graph, [seconds for each in segments for seconds in each.ran_seconds])
    states = [state for each in segments for state in each.states]
    return CriticalPath(
        submission,
        summary_of(segments, submission.job_count),
        _version_of(segments),
        steps,
        tuple(graph.keys[step.job] for step in steps),
        tuple(states[step.job] for step in steps),
    )


def load_segments(services: Services, workflow_id: str, job_count: int) -> list[Segment]:
    """Returns all segments of a workflow with `job_count` jobs, new ones where none is stored. Takes one query."""
    stored = {each.number: each for each in services.progress.load_all(workflow_id)}
    return [
        stored.get(number) or new_segment(workflow_id, number, job_count)
        for number in range(segments_of(job_count))
    ]


def _version_of(segments: Sequence[Segment]) -> str:
    return _SEPARATOR.join(str(each.version) for each in segments)


def _changes(segments: Sequence[Segment], known: Sequence[int]) -> dict[int, State]:
    found: dict[int, State] = {}
    for segment, version in zip(segments, known, strict=True):
        changed = segment.changed_after(version)
        if changed is None:
            changed = dict(enumerate(segment.states))
        start = segment.number * SEGMENT_JOBS
        found |= {start + offset: state for offset, state in changed.items()}
    return dict(sorted(found.items()))


def _versions_from(since: str, count: int) -> list[int]:
    parts = since.split(_SEPARATOR)
    if len(parts) != count or not all(
        part.isascii() and part.isdecimal() and len(part) < 10 for part in parts
    ):
        raise InvalidRequest.of(
            "since",
            "is not a version of this workflow; pass the version of an earlier answer, or leave it out",
        )
    return [int(part) for part in parts]
