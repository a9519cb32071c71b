"""The shares of a pool on the wire: the body that sets one, and the answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from tidegate.contracts.requests import Priority, ShareWeight, read_options
from tidegate.contracts.times import Time, to_wire
from tidegate.domain import limits
from tidegate.domain.errors import MalformedBody
from tidegate.domain.shares import ShareRule


class ShareRuleIn(BaseModel):
    """The weight of a share beside the others of its pool, the highest priority of its jobs, and how many may wait.

    Null sets no bound.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    weight: ShareWeight = 1
    max_priority: Priority | None = None
    max_waiting: Annotated[int, Field(strict=True, ge=1, le=limits.MAX_SHARE_WAITING)] | None = None


class ShareOut(TypedDict):
    """A share of a pool. `by` is the operator that set it last."""

    pool: str
    share: str
    weight: int
    max_priority: int | None
    max_waiting: int | None
    by: str
    at: Time | None


class ShareList(TypedDict):
    """The shares of a pool, by name."""

    shares: list[ShareOut]


def read_share(body: str) -> ShareRuleIn:
    """Returns the weight and the bounds that a body gives a share. Raises MalformedBody or InvalidRequest."""
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    return read_options(ShareRuleIn, body)


def share_out(pool: str, share: str, weight: int, rule: ShareRule) -> ShareOut:
    """Returns a share as callers read it."""
    return {
        "pool": pool,
        "share": share,
        "weight": weight,
        "max_priority": rule.max_priority,
        "max_waiting": rule.max_waiting,
        "by": rule.by,
        "at": to_wire(rule.at_ms),
    }


def shares_out(shares: Iterable[ShareOut]) -> ShareList:
    """Returns the shares of a pool as callers read them."""
    return {"shares": list(shares)}
