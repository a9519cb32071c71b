"""Boolean logic over the ends of jobs becomes edges and gates that mean the same."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.cli.importing import is_satisfied
from tidegate_cli.importing.conditions import (
    ALWAYS,
    ANY_END,
    FAILURE,
    MAX_SIZE,
    NEVER,
    SKIPPED,
    SUCCESS,
    UNKNOWN,
    All,
    Edge,
    Ended,
    Expression,
    Outcome,
    TooLarge,
    edges_of,
    every,
    negation,
    some,
)

A, B, C = (Ended(name, SUCCESS) for name in "ABC")
Raw = tuple[Any, ...]
"""A tree as it is drawn: ("leaf", name, outcomes), ("and", …), ("or", …) or ("not", tree)."""
LEAVES: st.SearchStrategy[Raw] = st.tuples(
    st.just("leaf"), st.sampled_from("ABC"), st.frozensets(st.sampled_from(Outcome))
)
TREES: st.SearchStrategy[Raw] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(("and", "or")), inner, inner),
        st.tuples(st.sampled_from(("and", "or")), inner, inner, inner),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=8,
)


def built(tree: Raw) -> Expression:
    kind, *parts = tree
    if kind == "leaf":
        return Ended(parts[0], parts[1])
    if kind == "not":
        return negation(built(parts[0]))
    return (every if kind == "and" else some)(map(built, parts))


def holds(tree: Raw, ends: dict[str, Outcome]) -> bool:
    kind, *parts = tree
    if kind == "leaf":
        return ends[parts[0]] in parts[1]
    if kind == "not":
        return not holds(parts[0], ends)
    return (all if kind == "and" else any)(holds(part, ends) for part in parts)


class Workflow:
    """The edges of one job with its gates, run by tidegate's own rules."""

    def __init__(self, expression: Expression) -> None:
        self.gates: dict[str, list[Edge]] = {}
        self.edges = edges_of(expression, (), self._new_gate)

    def _new_gate(self, edges: list[Edge]) -> str:
        key = f"gate-{len(self.gates)}"
        self.gates[key] = edges
        return key

    def runs(self, ends: dict[str, Outcome]) -> bool:
        """Says whether the job runs, for the given ends of A, B and C."""
        if self.edges is None:
            return False
        known = dict(ends)
        for key, edges in self.gates.items():  # a gate is made after those that it needs
            ran = all(is_satisfied(edge, known[edge.key]) for edge in edges)
            known[key] = Outcome.SUCCEEDED if ran else Outcome.BRANCH
        return all(is_satisfied(edge, known[edge.key]) for edge in self.edges)


@settings(max_examples=150, deadline=None)
@given(TREES, st.lists(st.tuples(*[st.sampled_from(Outcome)] * 3), min_size=1, max_size=6))
def test_the_edges_of_any_expression_mean_the_same(
    tree: Raw, all_ends: list[tuple[Outcome, Outcome, Outcome]]
) -> None:
    expression = built(tree)
    workflow = Workflow(expression)
    for each in all_ends:
        ends = dict(zip("ABC", each, strict=True))
        assert workflow.runs(ends) is holds(tree, ends)


def test_an_or_over_two_jobs_is_one_gate_that_waits_for_both() -> None:
    workflow = Workflow(some((A, B)))
    assert workflow.edges == [
        Edge("gate-0", "CONDITIONAL", 'upstream.status == "SKIPPED"'),
        Edge("A", "MUST_COMPLETE"),
        Edge("B", "MUST_COMPLETE"),
    ]
    for one, other in product(Outcome, repeat=2):
        ends = {"A": one, "B": other, "C": Outcome.FAILED}
        assert workflow.runs(ends) is (Outcome.SUCCEEDED in (one, other))


def test_the_success_of_several_jobs_needs_no_condition() -> None:
    assert Workflow(every((A, B))).edges == [Edge("A", "MUST_SUCCEED"), Edge("B", "MUST_SUCCEED")]


def test_leaves_of_one_job_become_one_edge() -> None:
    both = every((Ended("A", SUCCESS | FAILURE), negation(Ended("A", FAILURE))))
    assert both == A
    assert some((A, Ended("A", ANY_END - SUCCESS))) == ALWAYS
    assert every((A, Ended("A", SKIPPED))) == NEVER


def test_an_unknown_value_counts_as_false_but_not_when_the_rest_decides() -> None:
    assert edges_of(every((A, UNKNOWN)), (), lambda _: "gate") is None
    assert negation(UNKNOWN) == UNKNOWN
    assert some((ALWAYS, UNKNOWN)) == ALWAYS
    assert every((NEVER, UNKNOWN)) == NEVER


def test_a_job_waits_also_for_ends_that_decide_nothing() -> None:
    assert edges_of(ALWAYS, ("A",), lambda _: "gate") == [Edge("A", "MUST_COMPLETE")]
    assert edges_of(A, ("A", "B"), lambda _: "gate") == [
        Edge("A", "MUST_SUCCEED"),
        Edge("B", "MUST_COMPLETE"),
    ]


def test_an_expression_has_a_bound() -> None:
    with pytest.raises(TooLarge):
        every(Ended(f"job {number}", SUCCESS) for number in range(MAX_SIZE + 1))


def test_all_parts_of_an_and_are_flat() -> None:
    found = every((A, every((B, C))))
    assert isinstance(found, All)
    assert set(found.parts) == {A, B, C}
