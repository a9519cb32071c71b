"""The value that stands for the person or machine that asked for something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CallerKind(StrEnum):
    """The authority that vouches for a caller."""

    IAM = "iam"


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or machine that asked for something. The API makes it in one place, from the signed request.

    `subject` names the caller without doubt: for IAM the whole ARN, empty where the gateway passes none on. `display`
    is the short text that a job's history, a request to cancel and a rule's last change show. It is not unique, so
    nothing may be allowed by it. `scopes` are what the caller's token allows; IAM has none, because policies of the
    account decide there.

    Every change that somebody asks for takes this value and records it.
    """

    subject: str
    display: str
    kind: CallerKind = CallerKind.IAM
    scopes: frozenset[str] = frozenset()


def caller_under(subject: str | None) -> Caller:
    """Returns the caller that a stored subject or the gateway's ARN names. The last part of the ARN is shown."""
    return Caller(subject or "", (subject or "").rpartition("/")[2] or _NAMELESS)


_NAMELESS = "client"  # shown where the gateway passes no ARN on
NOBODY: Final = caller_under(
    None
)  # stands for submissions that no request asks for, such as those of a simulation
