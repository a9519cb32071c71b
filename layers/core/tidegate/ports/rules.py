"""The port for the rules that operators set."""

from __future__ import annotations

from typing import Protocol

from tidegate.domain.rules import DispatchRules


class RuleStore(Protocol):
    """The store of all rules, which are kept together.

    Each change is one conditional write that touches only the field it names, so changes made at the same time all
    count. Setting a value that is set already changes nothing: the earlier change keeps its actor and its time. The
    methods that set a rule return the rules after the change. They raise InvalidRequest where as many other rules of
    the kind are in force as there may be. `actor` is the caller, `now_ms` the time of the change in milliseconds since
    the epoch.
    """

    def load(self) -> DispatchRules:
        """Returns all rules from one consistent read."""

    def set_pool_paused(self, pool: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a pool, or resumes it where `paused` is False."""

    def set_type_paused(self, job_type: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a job type, or resumes it where `paused` is False."""

    def set_type_limit(
        self, job_type: str, max_running: int | None, *, actor: str, now_ms: int
    ) -> DispatchRules:
        """Limits how many jobs of a type run at once (1-100). None removes the limit."""

    def set_failure_muted(self, fingerprint: str, muted: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Mutes the failures with a fingerprint, or unmutes them where `muted` is False."""
