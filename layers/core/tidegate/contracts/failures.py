"""The query parameters of a listing of failures, and the answers about failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from typing_extensions import TypedDict

from tidegate.contracts.job_listing import read_text, read_true_or_false
from tidegate.contracts.pool_responses import ChangeOut, change_out
from tidegate.contracts.times import Time, moment_ms, to_wire
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.domain.failures import FAILED_STATES, STEPS, FailureGroup
from tidegate.domain.job_query import JobQuery
from tidegate.domain.rules import DispatchRules, RuleKind

T = TypeVar("T")

PARAMETERS: Final = ("since", "pool", "type", "code", "muted", "cursor")


class FailedInOut(TypedDict):
    """How many jobs of a failure group belong to a workflow."""

    workflow_id: str
    jobs: int


class FailureGroupOut(TypedDict):
    """Failed jobs with one cause.

    `pattern` is the first line of their errors without names and numbers, `message` that line of the latest job.
    `over_time` has the number of jobs in equal steps of the time from `since` to `until`. `job_ids` and `workflows` are
    samples: the latest jobs, and the workflows with the most failed jobs. `muted` is null if the group is not muted.
    """

    fingerprint: str
    type: str
    code: str | None
    pattern: str
    message: str
    count: int
    first_at: Time | None
    last_at: Time | None
    over_time: list[int]
    job_ids: list[str]
    workflow_count: int
    workflows: list[FailedInOut]
    muted: ChangeOut | None


class FailuresOut(TypedDict):
    """The groups of a page of failed jobs, the largest first. The next page has the groups of earlier jobs.

    `left_out` is how many muted groups are left out, `mutes` names all muted groups by fingerprint. `looked_back_to` is
    the time back to which the page has looked, null if it found nothing before it ended.
    """

    groups: list[FailureGroupOut]
    left_out: int
    mutes: Mapping[str, ChangeOut]
    since: Time | None
    until: Time | None
    step_seconds: float
    looked_at: int
    looked_back_to: Time | None
    cursor: str | None


class MuteOut(TypedDict):
    """Whether the failures with a fingerprint are muted, and the last change of that."""

    fingerprint: str
    muted: bool
    change: ChangeOut | None


def read_failure_query(given: Mapping[str, str]) -> tuple[JobQuery, bool]:
    """Returns the failed jobs that the parameters ask for, and whether muted groups are wanted.

    Raises InvalidRequest, which names every faulty parameter.
    """
    violations: list[Violation] = []

    def read(name: str, convert: Callable[[str], T]) -> T | None:
        text = given.get(name)
        if text is None:
            return None
        try:
            return convert(text)
        except ValueError as error:
            violations.append(Violation(name, str(error)))
            return None

    query = JobQuery(
        states=FAILED_STATES,
        pool=given.get("pool"),
        type=read("type", read_text(limits.MAX_TYPE_CHARACTERS)),
        error_code=read("code", read_text(limits.MAX_ERROR_CODE_CHARACTERS)),
        from_ms=read("since", moment_ms),
    )
    with_muted = read("muted", read_true_or_false) or False
    if violations:
        raise InvalidRequest(violations)
    return query, with_muted


def group_out(group: FailureGroup, rules: DispatchRules) -> FailureGroupOut:
    """Returns a failure group as clients read it."""
    return {
        "fingerprint": group.fingerprint,
        "type": group.type,
        "code": group.code,
        "pattern": group.pattern,
        "message": group.line,
        "count": group.count,
        "first_at": to_wire(group.first_at_ms),
        "last_at": to_wire(group.last_at_ms),
        "over_time": list(group.over_time),
        "job_ids": list(group.job_ids),
        "workflow_count": group.workflow_count,
        "workflows": [{"workflow_id": each, "jobs": count} for each, count in group.workflows],
        "muted": change_out(rules.mute_of(group.fingerprint)),
    }


def failures_out(
    groups: Iterable[FailureGroup],
    rules: DispatchRules,
    *,
    left_out: int,
    from_ms: int,
    to_ms: int,
    looked_at: int,
    looked_back_to_ms: int | None,
    cursor: str | None,
) -> FailuresOut:
    """Returns a page of failure groups as clients read it. Times are in milliseconds since the epoch."""
    return {
        "groups": [group_out(each, rules) for each in groups],
        "left_out": left_out,
        "mutes": mutes_out(rules),
        "since": to_wire(from_ms),
        "until": to_wire(to_ms),
        "step_seconds": (to_ms - from_ms) / STEPS / 1_000,
        "looked_at": looked_at,
        "looked_back_to": to_wire(looked_back_to_ms),
        "cursor": cursor,
    }


def mutes_out(rules: DispatchRules) -> Mapping[str, ChangeOut]:
    """Returns the muted fingerprints, with who muted each and when."""
    changes = {each: change_out(rules.mute_of(each)) for each in sorted(rules.muted_failures)}
    return {fingerprint: change for fingerprint, change in changes.items() if change is not None}


def mute_out(fingerprint: str, rules: DispatchRules) -> MuteOut:
    """Returns whether the failures with a fingerprint are muted."""
    change = rules.last_change(RuleKind.FAILURE_MUTED, fingerprint)
    return {
        "fingerprint": fingerprint,
        "muted": fingerprint in rules.muted_failures,
        "change": change_out(change),
    }
