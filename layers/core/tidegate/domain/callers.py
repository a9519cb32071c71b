"""The value that stands for the person or machine that asked for something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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

    Every act that records its caller takes this value. A submission and a drain record nobody, and take none.
    """

    subject: str
    display: str
    kind: CallerKind = CallerKind.IAM
    scopes: frozenset[str] = frozenset()
