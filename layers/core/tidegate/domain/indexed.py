"""The fields of a job that its entry in the index carries for listings, beside those for the dispatcher."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFields:
    """Fields that never change, or that change only in a write that moves or ranks the entry anyway.

    So they cost no index write of their own. Times are in milliseconds since the epoch. `ready_at_ms` and `error_code`
    are the latest; None where there was none.
    """

    created_at_ms: int
    priority: int
    key: str | None = None
    name: str | None = None
    ready_at_ms: int | None = None
    error_code: str | None = None
    submitted_by: str | None = None
    estimated_duration_seconds: float | None = None
