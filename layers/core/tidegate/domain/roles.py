"""The roles of callers and the scopes of tokens: how much of the API each may use."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A scope of a bearer token. It allows the routes of one role, and no others."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"


class Role(StrEnum):
    """A role. Each may do what the one before it may, and more.

    A VIEWER reads, a CLIENT also submits, cancels and retries, an OPERATOR also sets rules and drains workers.
    """

    VIEWER = "viewer"
    CLIENT = "client"
    OPERATOR = "operator"

    @property
    def holds(self) -> frozenset[Role]:
        """The roles whose routes a caller with this role may call, itself included."""
        ordered = list(Role)
        return frozenset(ordered[: ordered.index(self) + 1])

    @property
    def scope(self) -> Scope:
        """The scope that a token needs for the routes of this role."""
        return list(Scope)[list(Role).index(self)]
