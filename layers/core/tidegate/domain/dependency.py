"""The rules of each type of dependency. A test compares them with the truth table in `docs/dependencies.md`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.states import TERMINAL, State


class DependencyType(StrEnum):
    """The condition under which an upstream satisfies its downstream."""

    MUST_START = "MUST_START"
    MUST_COMPLETE = "MUST_COMPLETE"
    MUST_SUCCEED = "MUST_SUCCEED"
    CONDITIONAL = "CONDITIONAL"


class Verdict(StrEnum):
    """The present verdict on a dependency."""

    UNDECIDED = "UNDECIDED"
    SATISFIED = "SATISFIED"
    UNSATISFIABLE = "UNSATISFIABLE"
    EVALUATE = "EVALUATE"  # the upstream is terminal; the condition decides


@dataclass(frozen=True, slots=True)
class Dependency:
    """One edge as the downstream holds it. `condition` is a CEL expression, for CONDITIONAL only."""

    upstream_id: str
    type: DependencyType = DependencyType.MUST_SUCCEED
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Dependent:
    """One edge as the upstream holds it.

    `job_id` is the downstream, `ordinal` the edge's place in the downstream's `depends_on`.
    """

    job_id: str
    ordinal: int
    type: DependencyType


def judge(kind: DependencyType, upstream: State, started: bool) -> Verdict:
    """Decides whether an upstream satisfies a dependency of type `kind`.

    `upstream` is the upstream's state. `started` says that the upstream's code has begun since it was submitted or last
    reopened. The state RUNNING does not say that, because a worker may claim a job some time before it begins it.
    SUCCEEDED always counts as started.
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
"""The code of a job that can't run because an upstream did not end as the dependency needs."""
NOT_TAKEN = "branch-not-taken"
"""The code of a job on a branch that a false condition excluded. That is not a failure."""
CONDITION_ERROR = "condition-error"
"""The code of a job whose condition could not be evaluated."""


def skip_code(kind: DependencyType, upstream_code: str) -> str:
    """Returns the code of a job that is skipped because of its upstream's end.

    `upstream_code` is the code of the upstream's failure, empty where it has none. A job that needs an upstream on a
    branch that was not taken is on that branch too.
    """
    if kind is DependencyType.CONDITIONAL or upstream_code == NOT_TAKEN:
        return NOT_TAKEN
    return UNSATISFIABLE


def named(upstream_id: str, key: str | None) -> str:
    """Returns an upstream's name for people: `key (id)`, or the id alone where it has no key."""
    return upstream_id if key is None else f"{key} ({upstream_id})"


def unsatisfiable_reason(kind: DependencyType, upstream: str, state: State, detail: str = "") -> str:
    """Returns the reason that a SKIPPED job shows. `upstream` is the name that `named` returns.

    `state` is the upstream's state; `detail` says how the condition failed, for CONDITIONAL only.
    """
    if kind is DependencyType.MUST_START:
        return f"{upstream} ended as {state} without ever starting"
    if kind is DependencyType.CONDITIONAL:
        return f"condition on {upstream} {detail}"
    return f"{upstream} ended as {state}, not SUCCEEDED"
