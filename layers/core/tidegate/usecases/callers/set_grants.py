"""Shows, sets and removes the grants of callers. IAM lets only operators call the routes that change them."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.domain.callers import Caller, namespace_of
from tidegate.domain.errors import NotFound, ServiceUnavailable
from tidegate.domain.grants import Grant, Grants
from tidegate.domain.roles import Role
from tidegate.usecases.services import Services

_TRIES = 5  # a refused write means that another operator changed a grant meanwhile


def list_grants(services: Services) -> list[Grant]:
    """Returns all grants, ordered by namespace. Costs one read."""
    entries = services.grants.load().entries
    return [entries[namespace] for namespace in sorted(entries)]


def find_grant(services: Services, subject: str) -> Grant:
    """Returns the grant of the namespace that a subject belongs to. Raises NotFound. Costs one read."""
    namespace = namespace_of(subject)
    found = services.grants.load().entries.get(namespace)
    if found is None:
        raise NotFound("grant", namespace)
    return found


def set_grant(
    services: Services, subject: str, role: Role, namespaces: tuple[str, ...], *, caller: Caller, now_ms: int
) -> tuple[Grant | None, Grant]:
    """Gives the namespace of a subject a role and shared namespaces, instead of what it had.

    Returns the grant as it was, None if there was none, and as it is. A grant that is set already stays as it is, with
    the operator and the time that it names. Raises InvalidRequest if there are too many grants, ServiceUnavailable if
    too many other changes came between. Costs at most five reads and five writes, usually one of each.
    """
    namespace = namespace_of(subject)
    new = Grant(namespace, role, tuple(sorted(set(namespaces))), caller.subject or caller.display, now_ms)

    def change(grants: Grants) -> Grants:
        standing = grants.entries.get(namespace)
        if standing and (standing.role, standing.namespaces) == (new.role, new.namespaces):
            return grants
        return grants.having(new)

    before, after = _changed(services, change)
    return before.entries.get(namespace), after.entries[namespace]


def remove_grant(services: Services, subject: str, *, caller: Caller) -> Grant:
    """Removes the grant of the namespace that a subject belongs to; returns it as it was.

    Raises NotFound, and ServiceUnavailable as `set_grant` does. The costs are the same.
    """
    del caller  # the audit trail names it
    grant = find_grant(services, subject)
    before, _ = _changed(services, lambda grants: grants.lacking(grant.namespace))
    return before.entries.get(grant.namespace, grant)


def _changed(services: Services, change: Callable[[Grants], Grants]) -> tuple[Grants, Grants]:
    """Reads all grants, changes them and writes them, again if another change came between.

    Returns the grants as they were and as they are.
    """
    for _ in range(_TRIES):
        standing = services.grants.load()
        changed = change(standing)
        if changed.entries == standing.entries or services.grants.save_if_unchanged(changed):
            return standing, changed
    raise ServiceUnavailable("changing a grant met too many other changes; repeat it in a moment")
