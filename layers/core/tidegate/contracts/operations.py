"""Pools, job types and their rules on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tidegate.contracts.times import to_wire
from tidegate.domain import limits
from tidegate.domain.pools import Pool
from tidegate.domain.rules import RuleChange, TypeRule


class TypeLimitIn(BaseModel):
    """The body that limits how many jobs of a type may run at once. Null removes the limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    max_running: Annotated[int, Field(strict=True, ge=1, le=limits.MAX_TYPE_LIMIT)] | None


class NoOptionsIn(BaseModel):
    """The body of a route without options. A field that a client sends is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CancelJobIn(BaseModel):
    """The options of a cancellation. `downstream` also cancels all jobs that wait on the job."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    downstream: Annotated[bool, Field(strict=True)] = False


class RetryJobIn(BaseModel):
    """The options of a retry by hand. `reopen_skipped` also reopens the jobs that were skipped because of the job."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    reopen_skipped: Annotated[bool, Field(strict=True)] = True


def pool_out(
    name: str,
    pool: Pool | None,
    *,
    window: float,
    load: dict[str, Any],
    paused: bool,
    paused_change: RuleChange | None,
) -> dict[str, Any]:
    """Returns a pool as clients read it.

    `pool` is None where it is not deployed any more. `window` is a multiple of its capacity. `load` holds its counts of
    jobs, slots and workers. `paused_change` is the last change of its pause.
    """
    return {
        "name": name,
        "deployed": pool is not None,
        "kind": None if pool is None else pool.kind.value,
        "capabilities": [] if pool is None else sorted(pool.capabilities),
        "tags": {} if pool is None else dict(pool.tags),
        "max_timeout_seconds": None if pool is None else pool.max_timeout_seconds,
        "window": window,
        **load,
        "paused": paused,
        "changes": {"paused": _change(paused_change)},
    }


def type_out(
    job_type: str,
    registered: bool,
    rule: TypeRule,
    paused_change: RuleChange | None,
    limit_change: RuleChange | None,
) -> dict[str, Any]:
    """Returns a job type as clients read it. `registered` says that the deployed job code has it.

    `paused_change` and `limit_change` are the last changes of its pause and its limit.
    """
    return {
        "type": job_type,
        "deployed": registered,
        "paused": rule.paused,
        "max_running": rule.max_running,
        "changes": {"paused": _change(paused_change), "max_running": _change(limit_change)},
    }


def _change(change: RuleChange | None) -> dict[str, Any] | None:
    return None if change is None else {"by": change.actor, "at": to_wire(change.at_ms)}
