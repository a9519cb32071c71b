"""The critical path is the longest chain by what is known: measured durations, then estimates."""

from __future__ import annotations

from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.workflow_graph import KnownBy, PathStep, WorkflowGraph, critical_path_of, graph_of


def job(key: str, seconds: float | None, *after: str) -> JobRequest:
    edges = tuple(DependencyRequest(key=each) for each in after)
    return JobRequest(type="t", key=key, estimated_duration_seconds=seconds, depends_on=edges)


def graph(*jobs: JobRequest) -> WorkflowGraph:
    return graph_of(WorkflowRequest(jobs=jobs))


DIAMOND = graph(job("a", 1), job("b", 5, "a"), job("c", 2, "a"), job("d", None, "b", "c"))


def test_without_any_measure_the_path_is_that_of_the_estimates() -> None:
    steps = critical_path_of(DIAMOND, [None] * 4)
    assert steps == (
        PathStep(0, 1, KnownBy.ESTIMATED),
        PathStep(1, 5, KnownBy.ESTIMATED),
        PathStep(3, 0, KnownBy.UNKNOWN),
    )
    assert tuple(step.job for step in steps[:2]) == DIAMOND.critical_path[:2]


def test_a_measured_duration_counts_in_place_of_the_estimate() -> None:
    steps = critical_path_of(DIAMOND, [1.5, 0.5, 9.0, None])
    assert [step.job for step in steps] == [0, 2, 3]
    assert [step.known_by for step in steps] == [KnownBy.MEASURED, KnownBy.MEASURED, KnownBy.UNKNOWN]
    assert sum(step.seconds for step in steps) == 10.5


def test_a_measured_duration_of_nothing_counts_as_nothing() -> None:
    steps = critical_path_of(DIAMOND, [0.0, 0.0, None, None])
    assert [step.job for step in steps] == [0, 2, 3]


def test_a_graph_of_which_nothing_is_known_has_no_path() -> None:
    assert critical_path_of(graph(job("a", None), job("b", None, "a")), [None, None]) == ()
