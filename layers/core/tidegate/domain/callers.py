"""The value that stands for the person or machine that asked for something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CallerKind(StrEnum):
    """The authority that vouches for a caller. PROGRAM is code that calls the use cases itself, without any request."""

    IAM = "iam"
    PROGRAM = "program"


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

    @property
    def namespace(self) -> str:
        """The namespace that the caller's keys and submissions belong to; see `namespace_of`."""
        return namespace_of(self.subject)

    @property
    def is_root(self) -> bool:
        """Tells whether the caller is the root user of an account."""
        return _ROOT.fullmatch(self.subject) is not None


def namespace_of(subject: str) -> str:
    """Returns the namespace of a subject: the part of it that stays the same from one session to the next.

    An assumed role gives its role's ARN, whatever the session's name, because the caller chooses that name. STS leaves
    out a role's path, and a role's name is unique in its account without the path, so the namespace of a role's own ARN
    is the ARN without its path. Every other subject, such as a user, a federated user or the root, is its own
    namespace. The namespace of a namespace is itself.
    Source: IAM identifiers, in the IAM User Guide.
    """
    assumed = _ASSUMED_ROLE.fullmatch(subject)
    if assumed:
        return "arn:{}:iam::{}:role/{}".format(*assumed.groups())
    role = _ROLE.fullmatch(subject)
    return "{}{}".format(*role.groups()) if role else subject


def caller_under(subject: str | None) -> Caller:
    """Returns the caller that a stored subject or the gateway's ARN names. The last part of the ARN is shown."""
    return Caller(subject or "", (subject or "").rpartition("/")[2] or _NAMELESS)


_ASSUMED_ROLE = re.compile(r"arn:([^:]*):sts::(\d*):assumed-role/([^/]+)(?:/[^/]*)?")
_ROLE = re.compile(r"(arn:[^:]*:iam::\d*:role/)(?:.*/)?([^/]+)")
_ROOT = re.compile(r"arn:[^:]*:iam::\d+:root")
_NAMELESS = "client"  # shown where the gateway passes no ARN on
# Stands for submissions that no request asks for, such as those of a simulation.
NOBODY: Final = Caller("", _NAMELESS, CallerKind.PROGRAM)
