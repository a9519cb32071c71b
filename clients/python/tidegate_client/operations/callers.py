"""The routes of callers: their grants, their acts, and the caller itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tidegate_client.models.base import list_reader, page_reader, reader
from tidegate_client.models.operate import Act, Grant, Me
from tidegate_client.operations.jobs import Moment, moment
from tidegate_client.wire import Listing, Operation, request

Role = Literal["client", "operator"]
"""The role of a caller."""


def get_me() -> Operation[Me]:
    """Reads the caller that the API sees, and which deployment answers."""
    return Operation(request("GET", "/v1/me"), reader(Me))


def list_grants() -> Operation[tuple[Grant, ...]]:
    """Lists every grant by namespace."""
    return Operation(request("GET", "/v1/grants"), list_reader(Grant, "grants"))


def set_grant(
    namespace: str,
    *,
    role: Role = "client",
    namespaces: Sequence[str] = (),
) -> Operation[Grant]:
    """Gives a caller, named by its ARN, a role and shared namespaces instead of those that it had."""
    body = {"role": role, "namespaces": list(namespaces)}
    return Operation(request("PUT", "/v1/grants", namespace=namespace, body=body), reader(Grant))


def remove_grant(namespace: str) -> Operation[Grant]:
    """Removes the grant of a caller, named by its ARN, and returns the grant as it was. Raises NotFound."""
    return Operation(request("DELETE", "/v1/grants", namespace=namespace), reader(Grant))


def list_audit(
    *,
    subject: str | None = None,
    caller: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    page_size: int | None = None,
) -> Listing[Act]:
    """Lists the acts of callers, newest first.

    `subject` names the thing that they are about (`job#ID`), `caller` the whole subject of a caller. `since` counts and
    `until` does not.
    """
    sent = request(
        "GET",
        "/v1/audit",
        subject=subject,
        caller=caller,
        from_=moment(since),
        to=moment(until),
        limit=page_size,
    )
    return Listing(sent, page_reader(Act, "acts"))
