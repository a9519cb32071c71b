"""The value that stands for the person or machine that asked for something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tidegate.domain.roles import Role


class CallerKind(StrEnum):
    """The authority that vouches for a caller. PROGRAM is code that calls the use cases itself, without any request."""

    IAM = "iam"
    OAUTH = "oauth"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or machine that asked for something. The API makes it in one place, from the signed request.

    `subject` names the caller without doubt: for IAM the whole ARN, empty where the gateway passes none on; for OAuth
    the token's issuer and its `sub`, see `signed_in`. `display` is the short text that a job's history, a request to
    cancel and a rule's last change show. It is not unique, so nothing may be allowed by it. `scopes` are what the
    caller's token allows, and `role` is what the caller's groups give, None where they give none. IAM has neither,
    because policies of the account decide there.

    Every change that somebody asks for takes this value and records it.
    """

    subject: str
    display: str
    kind: CallerKind = CallerKind.IAM
    scopes: frozenset[str] = frozenset()
    role: Role | None = None

    @property
    def namespace(self) -> str:
        """The namespace that the caller's keys and submissions belong to; see `namespace_of`."""
        return namespace_of(self.subject)

    def is_named_by(self, name: str) -> bool:
        """Tells whether `name`, as somebody wrote it, names the caller.

        A subject names one caller, and a session alone where it is that of a session. A namespace names all sessions of
        a role, and so does the role's ARN as IAM shows it, with its path: STS leaves the path out of a session's ARN.
        """
        if name in (self.subject, self.namespace):
            return True
        return _ROLE.fullmatch(name) is not None and namespace_of(name) == self.namespace

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


def signed_in(
    issuer: str,
    sub: str,
    *,
    display: str = "",
    scopes: frozenset[str] = frozenset(),
    role: Role | None = None,
) -> Caller | None:
    """Returns the caller that a token of `issuer` names by its `sub`, None if the two can't name one.

    The subject is `<issuer>#<sub>`. An issuer is an https URL without a fragment, so no two pairs give one subject.
    People may choose their `display` at some issuers, so one with characters that can't be printed, such as a tab or a
    change of the direction of text, is not shown.
    Source: OpenID Connect Core 1.0, section 2, which bounds `sub` to 255 ASCII characters.
    """
    subject = f"{issuer}#{sub}"
    if len(issuer) > _MAX_ISSUER_CHARACTERS or "#" in issuer or not _SIGNED_IN.fullmatch(subject):
        return None
    shown = display.strip()[:_MAX_DISPLAY_CHARACTERS] if display.isprintable() else ""
    return Caller(subject, shown or sub, CallerKind.OAUTH, scopes, role)


def caller_under(subject: str | None) -> Caller:
    """Returns the caller that a stored subject or the gateway's ARN names.

    It shows the last part of the ARN, or the `sub` of a person or machine with a token.
    """
    if subject and _SIGNED_IN.fullmatch(subject):
        return Caller(subject, subject.partition("#")[2], CallerKind.OAUTH)
    return Caller(subject or "", (subject or "").rpartition("/")[2] or _NAMELESS)


_ASSUMED_ROLE = re.compile(r"arn:([^:]*):sts::(\d*):assumed-role/([^/]+)(?:/[^/]*)?")
_ROLE = re.compile(r"(arn:[^:]*:iam::\d*:role/)(?:.*/)?([^/]+)")
_ROOT = re.compile(r"arn:[^:]*:iam::\d+:root")
_SIGNED_IN = re.compile(r"https://[!\x22$-~]+#[!-~]{1,255}", re.ASCII)
_MAX_ISSUER_CHARACTERS = 256
_MAX_DISPLAY_CHARACTERS = 128
_NAMELESS = "client"  # shown where the gateway passes no ARN on
# Stands for submissions that no request asks for, such as those of a simulation.
NOBODY: Final = Caller("", _NAMELESS, CallerKind.PROGRAM)
