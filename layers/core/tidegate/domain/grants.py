"""Grants: the roles and the shared namespaces that operators give to callers.

IAM decides which routes a caller may call; for a caller with a token its scopes and its role do. A grant says the rest:
whether the caller may act on the submissions of others, and which shared namespaces its keys may live in. It also gives
its role to a caller with a token, as a group of the user pool does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tidegate.domain import limits
from tidegate.domain.callers import Caller, CallerKind
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.roles import Role


@dataclass(frozen=True, slots=True)
class Grant:
    """The grant of one caller.

    `namespace` is the caller's own, see `callers.namespace_of`. `role` is CLIENT or OPERATOR. `namespaces` are the
    shared ones that the caller may use, in order; their names hold no colon, so none is an ARN. `by` is the subject of
    the operator that made the grant, `at_ms` the time in milliseconds since the epoch.
    """

    namespace: str
    role: Role
    namespaces: tuple[str, ...]
    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Grants:
    """All grants by namespace. `version` rises with each change; 0 stands for grants that were never written."""

    entries: Mapping[str, Grant] = field(default_factory=dict)
    version: int = 0

    def having(self, grant: Grant) -> Grants:
        """Returns these grants with one more, or with another one in its place.

        Raises InvalidRequest if there would be more than `MAX_GRANTS`.
        """
        entries = {**self.entries, grant.namespace: grant}
        if len(entries) > limits.MAX_GRANTS:
            raise InvalidRequest.of(
                "namespace",
                f"can't get a grant: {limits.MAX_GRANTS} others have one, the most allowed; remove another first",
            )
        return replace(self, entries=entries)

    def lacking(self, namespace: str) -> Grants:
        """Returns these grants without that of a namespace."""
        return replace(self, entries={name: each for name, each in self.entries.items() if name != namespace})

    def role_of(self, caller: Caller) -> Role:
        """Returns the caller's role: OPERATOR for the root and where a grant says so, else CLIENT.

        IAM lets no mere viewer reach a route that changes something. Code without a request may do everything. A caller
        with a token has what its groups and its grant give, as far as its scopes go.
        """
        if caller.kind is CallerKind.PROGRAM or caller.is_root:
            return Role.OPERATOR
        if caller.kind is CallerKind.OAUTH:
            given = self.given_to(caller)
            usable = [role for role in given.holds if role.scope in caller.scopes] if given else []
            return max(usable, key=list(Role).index, default=Role.VIEWER)
        grant = self.entries.get(caller.namespace)
        return grant.role if grant else Role.CLIENT

    def given_to(self, caller: Caller) -> Role | None:
        """Returns the higher of the roles that the caller's groups and its grant give, None if neither gives one."""
        grant = self.entries.get(caller.namespace)
        given = [role for role in (caller.role, grant.role if grant else None) if role]
        return max(given, key=list(Role).index, default=None)

    def allow(self, caller: Caller, namespace: str) -> bool:
        """Tells whether the caller may use a namespace: its own, one that it was granted, or any as an operator."""
        if namespace == caller.namespace or self.role_of(caller) is Role.OPERATOR:
            return True
        grant = self.entries.get(caller.namespace)
        return grant is not None and namespace in grant.namespaces
