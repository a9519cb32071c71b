"""The answers about callers and what they did: the model of each and the function that makes it."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.audit import Act
from tidegate.domain.callers import Caller
from tidegate.domain.grants import Grants


class CallerOut(TypedDict):
    """A caller. `subject` is null if it is not known."""

    subject: str | None
    display: str
    kind: str


class ActOut(TypedDict):
    """One act that a caller asked for, and what became of it."""

    id: str
    at: Time | None
    act: str
    subject: str
    route: str
    caller: CallerOut
    outcome: str
    code: str | None
    ended_at: Time | None
    before: Mapping[str, str | int | float | bool | None]
    after: Mapping[str, str | int | float | bool | None]


class AuditPageOut(TypedDict):
    """A page of acts, newest first. `looked_back_to` is the time back to which the page has looked."""

    acts: list[ActOut]
    cursor: str | None
    looked_back_to: Time | None


class MeOut(CallerOut):
    """The caller of this request, what is granted to it, and the deployment that it talks to.

    `role` is what the grants allow; IAM's policies may allow less. `scopes` is null if the caller's token names none.
    """

    namespace: str
    namespaces: list[str]
    role: str
    scopes: list[str] | None
    version: str
    stage: str
    stack: str | None


def act_out(act: Act) -> ActOut:
    """Returns an act as clients read it."""
    return {
        "id": act.act_id,
        "at": to_wire(act.at_ms),
        "act": act.act,
        "subject": act.subject,
        "route": act.route,
        "caller": caller_out(act.caller),
        "outcome": act.outcome,
        "code": act.code,
        "ended_at": to_wire(act.ended_at_ms),
        "before": dict(act.before),
        "after": dict(act.after),
    }


def caller_out(caller: Caller) -> CallerOut:
    """Returns a caller as clients read it."""
    return {"subject": caller.subject or None, "display": caller.display, "kind": caller.kind}


def me_out(caller: Caller, grants: Grants, *, version: str, stage: str, stack: str | None) -> MeOut:
    """Returns the caller of a request as it reads itself."""
    granted = grants.entries.get(caller.namespace)
    return {
        **caller_out(caller),
        "namespace": caller.namespace,
        "namespaces": list(granted.namespaces) if granted else [],
        "role": grants.role_of(caller).value,
        "scopes": sorted(caller.scopes) or None,
        "version": version,
        "stage": stage,
        "stack": stack,
    }
