"""Decides what each type of dependency makes of its upstream.

`docs/reference/dependencies.md` holds the truth table; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.states import TERMINAL, State


class DependencyType(StrEnum):
    """When an upstream satisfies its downstream."""

    MUST_START = "MUST_START"
    MUST_COMPLETE = "MUST_COMPLETE"
    MUST_SUCCEED = "MUST_SUCCEED"
    CONDITIONAL = "CONDITIONAL"


class Verdict(StrEnum):
    """What is known of a dependency."""

    UNDECIDED = "UNDECIDED"
    SATISFIED = "SATISFIED"
    UNSATISFIABLE = "UNSATISFIABLE"
    EVALUATE = "EVALUATE"  # the upstream is terminal; the condition decides


@dataclass(frozen=True, slots=True)
class Dependency:
    """One edge as the downstream job states it. `condition` is a CEL expression, only for CONDITIONAL."""

    upstream_id: str
    type: DependencyType = DependencyType.MUST_SUCCEED
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Dependent:
    """One edge as the upstream holds it: the downstream's id, the edge's ordinal there, and the type."""

    job_id: str
    ordinal: int
    type: DependencyType


def judge(kind: DependencyType, upstream: State, started: bool) -> Verdict:
    """Whether `upstream` in this state decides a dependency of this type.

    `started` is whether the upstream's code began since it was submitted or last reopened. RUNNING does not say so: a
    worker may have claimed the job ahead of the moment at which it begins it. Success says so, noted or not.
    """
    if kind is DependencyType.MUST_START and (started or upstream is State.SUCCEEDED):
        return Verdict.SATISFIED
    if upstream not in TERMINAL:
        return Verdict.UNDECIDED
    if kind is DependencyType.MUST_COMPLETE:
        return Verdict.SATISFIED
    if kind is DependencyType.CONDITIONAL:
        return Verdict.EVALUATE
    if kind is DependencyType.MUST_SUCCEED and upstream is State.SUCCEEDED:
        return Verdict.SATISFIED
    return Verdict.UNSATISFIABLE


UNSATISFIABLE = "dependency-unsatisfiable"
"""The code of a job that can't run because an upstream ended otherwise than it needs."""
NOT_TAKEN = "branch-not-taken"
"""The code of a job on a branch that a false condition decided against. That is no failure."""
CONDITION_ERROR = "condition-error"
"""The code of a job whose condition could not be evaluated."""


def skip_code(kind: DependencyType, upstream_code: str) -> str:
    """Chooses the code of a job that is skipped because of how its upstream ended.

    `upstream_code` is that of the upstream's own failure, empty where it has none. A job that needs one on a
    branch that was not taken is on that branch too.
    """
    if kind is DependencyType.CONDITIONAL or upstream_code == NOT_TAKEN:
        return NOT_TAKEN
    return UNSATISFIABLE


def named(upstream_id: str, key: str | None) -> str:
    """Names an upstream for people: by its key with its id behind, or by its id alone where it has no key."""
    return upstream_id if key is None else f"{key} ({upstream_id})"


def unsatisfiable_reason(kind: DependencyType, upstream: str, state: State, detail: str = "") -> str:
    """Says on a SKIPPED job why it is. `upstream` is the upstream as `named` gives it."""
    if kind is DependencyType.MUST_START:
        return f"{upstream} ended as {state} without ever starting"
    if kind is DependencyType.CONDITIONAL:
        return f"condition on {upstream} {detail}"
    return f"{upstream} ended as {state}, not SUCCEEDED"
