"""Where the rules that operators set are kept."""

from __future__ import annotations

from typing import Protocol

from tidegate.domain.rules import DispatchRules


class RuleStore(Protocol):
    """The rules, together in one place.

    Each change is one conditional write that touches only the field it names, so changes made at the same time all
    stand. Setting what is set already changes nothing, and the earlier change keeps its actor and its time. Those
    that set return the rules after it; they raise InvalidRequest where `MAX_RULES_PER_KIND` others are in force.
    `actor` is who asks, `now_ms` when, in milliseconds since the epoch.
    """

    def load(self) -> DispatchRules:
        """The rules as they stand, in one consistent read."""

    def set_pool_paused(self, pool: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a pool, or lets it go on."""

    def set_type_paused(self, job_type: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a job type, or lets it go on."""

    def set_type_limit(
        self, job_type: str, max_running: int | None, *, actor: str, now_ms: int
    ) -> DispatchRules:
        """Limits how many jobs of a type run at once (1-100), or takes the limit off with None."""
