"""The graph of a workflow as it was submitted. It never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tidegate.domain.dependency import DependencyType
from tidegate.domain.graph import analyse_chains
from tidegate.domain.requests import WorkflowRequest


class ParentEdge(NamedTuple):
    """An edge from another job of the workflow, named by its index in the workflow."""

    parent: int
    type: DependencyType


class OutsideEdge(NamedTuple):
    """An edge from the job `job_id` of an earlier submission to the job with the index `downstream` in the workflow."""

    downstream: int
    job_id: str
    type: DependencyType


@dataclass(frozen=True, slots=True)
class WorkflowGraph:
    """The jobs of a workflow by columns, in the order of the submission.

    `estimates` are in seconds, None where a job has none. `parents` are the edges within the workflow and `outside`
    those to jobs of earlier submissions. `critical_path` lists the jobs of the path with the longest estimates, first
    job first; it is empty where no job has an estimate.
    """

    keys: tuple[str, ...]
    types: tuple[str, ...]
    estimates: tuple[float | None, ...]
    parents: tuple[tuple[ParentEdge, ...], ...]
    outside: tuple[OutsideEdge, ...] = ()
    critical_path: tuple[int, ...] = ()
    critical_path_seconds: float | None = None


def graph_of(request: WorkflowRequest) -> WorkflowGraph:
    """Returns the graph of a workflow that has been checked: its edges name jobs of it, and form no circle."""
    jobs = request.jobs
    indexes = {job.key: index for index, job in enumerate(jobs)}
    parents = tuple(
        tuple(ParentEdge(indexes[each.key], each.type) for each in job.depends_on if each.key is not None)
        for job in jobs
    )
    outside = tuple(
        OutsideEdge(index, each.job_id, each.type)
        for index, job in enumerate(jobs)
        for each in job.depends_on
        if each.key is None and each.job_id is not None
    )
    estimates = tuple(job.estimated_duration_seconds for job in jobs)
    known = {index: seconds for index, seconds in enumerate(estimates) if seconds is not None}
    chains = analyse_chains([[edge.parent for edge in edges] for edges in parents], known) if known else None
    return WorkflowGraph(
        keys=tuple(job.key or "" for job in jobs),
        types=tuple(job.type for job in jobs),
        estimates=estimates,
        parents=parents,
        outside=outside,
        critical_path=chains.critical_path if chains else (),
        critical_path_seconds=chains.critical_path_seconds if chains else None,
    )


class KnownBy(StrEnum):
    """The way in which the duration of a job is known."""

    MEASURED = "MEASURED"  # the job has ended
    ESTIMATED = "ESTIMATED"
    UNKNOWN = "UNKNOWN"  # neither; the job counts as 0 seconds


class PathStep(NamedTuple):
    """A job of a critical path, named by its index in the workflow, with its duration in seconds."""

    job: int
    seconds: float
    known_by: KnownBy


def critical_path_of(graph: WorkflowGraph, measured: Sequence[float | None]) -> tuple[PathStep, ...]:
    """Returns the chain of jobs that takes longest by all that is known, first job first.

    `measured` holds how long each job ran, in seconds, None where it has not ended. Its estimate counts then. The path
    is empty where nothing is known of any job.
    """
    steps = [
        PathStep(index, ran, KnownBy.MEASURED)
        if ran is not None
        else PathStep(index, estimate or 0.0, KnownBy.UNKNOWN if estimate is None else KnownBy.ESTIMATED)
        for index, (ran, estimate) in enumerate(zip(measured, graph.estimates, strict=True))
    ]
    known = {step.job: step.seconds for step in steps if step.known_by is not KnownBy.UNKNOWN}
    if not known:
        return ()
    chains = analyse_chains([[edge.parent for edge in edges] for edges in graph.parents], known)
    return tuple(steps[index] for index in chains.critical_path)
