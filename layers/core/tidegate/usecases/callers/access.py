"""Checks that a caller with a bearer token may call a route: by the token's scopes, and by the caller's role."""

from __future__ import annotations

from tidegate.domain.callers import Caller, CallerKind
from tidegate.domain.errors import MissingRole, MissingScope
from tidegate.domain.roles import Role
from tidegate.usecases.services import Services


def refuse_beyond(services: Services, caller: Caller, needed: Role) -> None:
    """Raises MissingScope or MissingRole if the caller may not call routes of the role `needed`.

    A scope says what the caller let a program do in its name, a role says what the caller may do itself; so both must
    allow it. Groups give the role without a read. If they don't suffice, the grants are read, once. For callers
    without a token IAM has decided already.
    """
    if caller.kind is not CallerKind.OAUTH:
        return
    if needed.scope not in caller.scopes:
        raise MissingScope(needed.scope)
    if caller.role and needed in caller.role.holds:
        return
    given = services.grants.load().given_to(caller)
    if given is None or needed not in given.holds:
        raise MissingRole(needed, given, caller.namespace)
