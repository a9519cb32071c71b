"""The grants of callers on the wire: the body that sets one, and the answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from tidegate.contracts.requests import SharedNamespace, read_options
from tidegate.contracts.times import Time, to_wire
from tidegate.domain import limits
from tidegate.domain.errors import MalformedBody
from tidegate.domain.grants import Grant
from tidegate.domain.roles import Role


class GrantIn(BaseModel):
    """The grant of a caller: its role, and the shared namespaces that its keys may live in."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    role: Literal["client", "operator"] = "client"
    namespaces: Annotated[tuple[SharedNamespace, ...], Field(max_length=limits.MAX_NAMESPACES_PER_GRANT)] = ()


class GrantOut(TypedDict):
    """The grant of a caller. `by` is the operator that made it."""

    namespace: str
    role: str
    namespaces: list[str]
    by: str
    at: Time | None


class GrantList(TypedDict):
    """All grants, ordered by namespace."""

    grants: list[GrantOut]


def read_grant(body: str) -> tuple[Role, tuple[str, ...]]:
    """Returns the role and the shared namespaces that a body gives. Raises MalformedBody or InvalidRequest."""
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    grant = read_options(GrantIn, body)
    return Role(grant.role), grant.namespaces


def grant_out(grant: Grant) -> GrantOut:
    """Returns a grant as callers read it."""
    return {
        "namespace": grant.namespace,
        "role": grant.role.value,
        "namespaces": list(grant.namespaces),
        "by": grant.by,
        "at": to_wire(grant.at_ms),
    }


def grants_out(grants: Iterable[Grant]) -> GrantList:
    """Returns all grants as callers read them."""
    return {"grants": [grant_out(each) for each in grants]}
