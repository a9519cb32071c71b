"""A lean job has the fields that transitions and judgements read, without those that callers can make large."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.domain.job_samples import NOW_MS, PENDING
from tidegate.domain.dependency import Dependency, DependencyType
from tidegate.domain.job import NO_TAGS, JobFailure, JobInput, lean
from tidegate.domain.states import State
from tidegate.domain.transitions import CancelIfInState, Ending, Stamp

DEPENDS_ON = (Dependency("S.0", DependencyType.CONDITIONAL, "true"),)
WHOLE = replace(
    PENDING,
    input=JobInput({"x": 1}, DEPENDS_ON),
    result=[[]] * 1_000,
    name="n",
    description="d",
    tags={"a": "b"},
    key="k",
)


def test_parameters_result_name_description_and_tags_are_left_out_and_nothing_else() -> None:
    given = JobInput({}, DEPENDS_ON)
    assert lean(WHOLE) == replace(WHOLE, input=given, result=None, name=None, description=None, tags=NO_TAGS)


def test_an_input_that_was_not_loaded_stays_so() -> None:
    assert lean(replace(WHOLE, input=None)).input is None


def test_a_transition_of_a_lean_job_leaves_the_job_whole() -> None:
    ending = Ending(State.CANCELLED, failure=JobFailure("cancelled", "asked for"))
    changed = CancelIfInState(lean(WHOLE), ending, Stamp(NOW_MS, "ann")).apply(WHOLE)
    assert (changed.state, changed.name, changed.tags, changed.input) == (
        State.CANCELLED,
        WHOLE.name,
        WHOLE.tags,
        WHOLE.input,
    )
