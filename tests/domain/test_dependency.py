from __future__ import annotations

import itertools

import pytest

from tests.harness.domain.documents import read_document, table_rows
from tidegate.domain.dependency import DependencyType, Verdict, judge, unsatisfiable_reason
from tidegate.domain.states import TERMINAL, State

TYPES = (
    DependencyType.MUST_START,
    DependencyType.MUST_COMPLETE,
    DependencyType.MUST_SUCCEED,
    DependencyType.CONDITIONAL,
)
OPEN = sorted(set(State) - TERMINAL)


def documented() -> dict[tuple[State, bool, DependencyType], Verdict]:
    table = {}
    for state, started, *verdicts in table_rows(read_document("reference/dependencies.md"), "upstream"):
        for kind, verdict in zip(TYPES, verdicts, strict=True):
            table[(State(state), started == "yes", kind)] = Verdict(verdict.upper())
    return table


def test_the_document_covers_every_case() -> None:
    assert set(documented()) == set(itertools.product(State, (False, True), DependencyType))
    heading = "| upstream | started | " + " | ".join(TYPES) + " |"
    assert heading in read_document("reference/dependencies.md")


@pytest.mark.parametrize(("case", "verdict"), documented().items(), ids=str)
def test_judge_follows_the_document(case: tuple[State, bool, DependencyType], verdict: Verdict) -> None:
    state, started, kind = case
    assert judge(kind, state, started) is verdict


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("kind", DependencyType)
@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_upstream_that_has_ended_always_decides(state: State, kind: DependencyType, started: bool) -> None:
    assert judge(kind, state, started) is not Verdict.UNDECIDED


@pytest.mark.parametrize("state", OPEN)
def test_a_claim_alone_is_no_start(state: State) -> None:
    assert judge(DependencyType.MUST_START, state, started=False) is Verdict.UNDECIDED
    assert judge(DependencyType.MUST_START, state, started=True) is Verdict.SATISFIED


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind is not DependencyType.MUST_START])
@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("started", [False, True])
def test_only_a_start_decides_before_the_end(kind: DependencyType, state: State, started: bool) -> None:
    assert judge(kind, state, started) is Verdict.UNDECIDED


def test_reasons_name_the_upstream_and_its_end() -> None:
    started = unsatisfiable_reason(DependencyType.MUST_START, "S.1", State.CANCELLED)
    assert started == "S.1 ended as CANCELLED without ever starting"
    failed = unsatisfiable_reason(DependencyType.MUST_SUCCEED, "S.1", State.FAILED)
    assert failed == "S.1 ended as FAILED, not SUCCEEDED"
    condition = unsatisfiable_reason(DependencyType.CONDITIONAL, "S.1", State.SUCCEEDED, "is false: 1 > 2")
    assert condition == "condition on S.1 is false: 1 > 2"
