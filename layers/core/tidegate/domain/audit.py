"""The audit trail's values: one act that a person or machine asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from tidegate.domain.callers import Caller

# The fields that an act changed, or what it counted. Never parameters, results or texts of an error.
Details = Mapping[str, str | int | float | bool | None]

_SUBJECT_BYTES: Final = 800  # more than the longest ARN; the bound of DynamoDB for a key is 2,048


class Outcome(StrEnum):
    """The outcome of an act, as far as it is recorded."""

    ASKED = "asked"  # no outcome was recorded, so the act was carried out or was not
    DONE = "done"
    REFUSED = "refused"  # nothing was changed
    FAILED = "failed"  # a service or tidegate failed on the way, so a part may be done


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act that somebody asked for.

    `act_id` is a ULID of the time at which it was asked for, `at_ms`. `subject` names the thing that it is about, as
    `subject_of` does. `act` is a word such as `job.cancel`, `route` is the method and the path with its placeholders.
    `code` is that of the problem if the act was refused or failed. `before` and `after` hold the few fields that it
    changed. Times are in milliseconds since the epoch.
    """

    act_id: str
    at_ms: int
    subject: str
    act: str
    route: str
    caller: Caller
    outcome: Outcome = Outcome.ASKED
    ended_at_ms: int | None = None
    code: str | None = None
    before: Details = field(default_factory=dict)
    after: Details = field(default_factory=dict)


class SearchBy(StrEnum):
    """What acts are looked up by."""

    SUBJECT = "subject"
    CALLER = "caller"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Acts of one subject, one caller's subject, or one day in UTC (2026-12-01).

    Only acts from `since_ms` on and before `until_ms` count.
    """

    by: SearchBy
    value: str
    since_ms: int
    until_ms: int


def subject_of(kind: str, *names: str) -> str:
    """Returns the subject of acts on one thing, such as `job#ID` or `worker#ecs#nightly-1`.

    A request may name a thing by any text, so the end of a very long one is left out.
    """
    return "#".join((kind, *names)).encode("utf-8", "replace")[:_SUBJECT_BYTES].decode("utf-8", "ignore")


def day_of(at_ms: int) -> str:
    """Returns the day in UTC of a time in milliseconds since the epoch, such as 2026-12-01."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d")
