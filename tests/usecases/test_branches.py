"""Different reasons for a skipped job are told apart: a branch not taken, a broken condition, a failed upstream."""

from __future__ import annotations

import pytest

from tests.harness.usecases.recovering import Workflow, after
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import JobFailure
from tidegate.domain.requests import DependencyRequest
from tidegate.domain.states import State

NOT_TAKEN, BROKEN, UNSATISFIABLE = "branch-not-taken", "condition-error", "dependency-unsatisfiable"
FALSE, BREAKS = "upstream.attempts > 99", "upstream.result.rows > 0"
COMPLETE = DependencyType.MUST_COMPLETE


def when(condition: str, *keys: str) -> tuple[DependencyRequest, ...]:
    kind = DependencyType.CONDITIONAL
    return tuple(DependencyRequest(key=key, type=kind, condition=condition) for key in keys)


def failure_of(workflow: Workflow, key: str) -> JobFailure:
    failure = workflow.job(key).failure
    assert failure is not None
    return failure


def test_a_false_condition_an_error_and_a_failure_have_codes_of_their_own() -> None:
    workflow = Workflow(
        {
            "up": (),
            "bad": (),
            "not-taken": when(FALSE, "up"),
            "broken": when(BREAKS, "up"),
            "failed": after("bad"),
        }
    )
    workflow.finish("up")
    workflow.finish("bad", State.FAILED)
    codes = {key: failure_of(workflow, key).code for key in ("not-taken", "broken", "failed")}
    assert codes == {"not-taken": NOT_TAKEN, "broken": BROKEN, "failed": UNSATISFIABLE}
    assert {workflow.states[key] for key in codes} == {State.SKIPPED}
    assert {key: workflow.job(key).history[-1].reason for key in codes} == codes
    assert f"condition on up ({workflow.ids['up']}) is false" in failure_of(workflow, "not-taken").message
    assert "could not be evaluated" in failure_of(workflow, "broken").message


@pytest.mark.parametrize(("condition", "code"), [(FALSE, NOT_TAKEN), (BREAKS, UNSATISFIABLE)])
def test_the_rest_of_a_branch_ends_as_its_head_says(condition: str, code: str) -> None:
    started = after("next", kind=DependencyType.MUST_START)
    workflow = Workflow(
        {"up": (), "head": when(condition, "up"), "next": after("head"), "last": started, "z": after("last")}
    )
    workflow.finish("up")
    for key in ("head", "next", "last"):
        workflow.hear(workflow.job(key))
    assert [failure_of(workflow, key).code for key in ("next", "last", "z")] == [code] * 3
    assert f"next ({workflow.ids['next']})" in failure_of(workflow, "last").message


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("upstream.code == 'branch-not-taken'", {"not-taken"}),
        ("upstream.code == 'condition-error'", {"broken"}),
        ("upstream.code == 'dependency-unsatisfiable' && upstream.reason.contains('FAILED')", {"failed"}),
        ("upstream.code == ''", {"good"}),
        ("upstream.code == 'broken' && upstream.reason == 'it broke'", {"bad"}),
    ],
)
def test_a_condition_can_ask_which_it_was(condition: str, runs: set[str]) -> None:
    asked = ("good", "bad", "not-taken", "broken", "failed")
    workflow = Workflow(
        {
            "good": (),
            "bad": (),
            "not-taken": when(FALSE, "good"),
            "broken": when(BREAKS, "good"),
            "failed": after("bad"),
            **{f"asks-{key}": when(condition, key) for key in asked},
        }
    )
    workflow.finish("good")
    workflow.finish("bad", State.FAILED)
    for key in asked:
        workflow.hear(workflow.job(key))
    assert {key for key in asked if workflow.states[f"asks-{key}"] is State.READY} == runs


def test_a_failure_counts_more_than_a_branch_that_was_not_taken() -> None:
    workflow = Workflow({"a": (), "end": (*when(FALSE, "a"), *when(BREAKS, "a"))})
    workflow.finish("a")
    assert failure_of(workflow, "end").code == BROKEN


def test_the_reason_of_a_long_condition_is_cut_like_any_other() -> None:
    long = " || ".join(["upstream.attempts > 99"] * 38)
    workflow = Workflow({"a": (), "end": when(long, "a")})
    workflow.finish("a")
    assert len(failure_of(workflow, "end").message) == limits.MAX_ERROR_CHARACTERS
