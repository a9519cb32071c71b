"""The rules that operators set at run time: pauses and limits that the dispatcher obeys, and muted failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest


class RuleKind(StrEnum):
    """The kind of a rule.

    Each kind is set by itself, so that two operators never undo each other's change.
    """

    POOL_PAUSED = "POOL_PAUSED"
    TYPE_PAUSED = "TYPE_PAUSED"
    TYPE_LIMIT = "TYPE_LIMIT"
    FAILURE_MUTED = "FAILURE_MUTED"


@dataclass(frozen=True, slots=True)
class TypeRule:
    """The rule for jobs of one type. `max_running` (1-100) is how many may run at once; None sets no limit."""

    paused: bool = False
    max_running: int | None = None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """The last change of a rule: the caller that set it, and when, in milliseconds since the epoch."""

    actor: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule as it is stored.

    `value` is 1 or 0 for paused or not, and for muted or not. For a limit it is the number of jobs, or 0 for no limit.
    """

    value: int
    change: RuleChange

    @property
    def is_idle(self) -> bool:
        """Tells whether the rule holds nothing back. Such a rule is kept only because it names its last change."""
        return self.value == 0


RuleKey = tuple[RuleKind, str]
"""A rule's kind, and the pool, the job type or the fingerprint of the failures that it applies to."""


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """All rules at one moment.

    `types` has no entry for a type without a rule, and `changes` none for a rule that was never set. `muted_failures`
    are fingerprints. They are for people alone: the dispatcher passes over them.
    """

    paused_pools: frozenset[str] = frozenset()
    types: Mapping[str, TypeRule] = field(default_factory=dict)
    changes: Mapping[RuleKey, RuleChange] = field(default_factory=dict)
    muted_failures: frozenset[str] = frozenset()

    def is_paused(self, pool: str) -> bool:
        """Tells whether the pool is paused, so that nothing may be dispatched to it."""
        return pool in self.paused_pools

    def mute_of(self, fingerprint: str) -> RuleChange | None:
        """Returns who muted the failures with a fingerprint, and when; None where they are not muted."""
        if fingerprint not in self.muted_failures:
            return None
        return self.last_change(RuleKind.FAILURE_MUTED, fingerprint)

    def type_rule(self, job_type: str) -> TypeRule:
        """Returns the rule for jobs of this type. A type without a rule is neither paused nor limited."""
        return self.types.get(job_type, TypeRule())

    def within(self, limited: Mapping[str, int]) -> DispatchRules:
        """Returns these rules, narrowed to the number of jobs of some types that workers can run at once.

        `limited` maps a type to that number (0 or more).
        """
        if not limited:
            return self
        types = dict(self.types)
        for job_type, most in limited.items():
            rule = self.type_rule(job_type)
            allowed = most if rule.max_running is None else min(most, rule.max_running)
            types[job_type] = replace(rule, max_running=allowed)
        return replace(self, types=types)

    def last_change(self, kind: RuleKind, name: str) -> RuleChange | None:
        """Returns the last change of the rule for this pool, type or fingerprint, None where it was never set."""
        return self.changes.get((kind, name))


def rules_from(entries: Mapping[RuleKey, RuleEntry]) -> DispatchRules:
    """Returns the rules that these entries make together."""
    in_force = {key: entry.value for key, entry in entries.items() if not entry.is_idle}
    types = {name for kind, name in in_force if kind in (RuleKind.TYPE_PAUSED, RuleKind.TYPE_LIMIT)}
    return DispatchRules(
        paused_pools=frozenset(name for kind, name in in_force if kind is RuleKind.POOL_PAUSED),
        types={
            name: TypeRule(
                paused=(RuleKind.TYPE_PAUSED, name) in in_force,
                max_running=in_force.get((RuleKind.TYPE_LIMIT, name)),
            )
            for name in sorted(types)
        },
        changes={key: entry.change for key, entry in entries.items()},
        muted_failures=frozenset(name for kind, name in in_force if kind is RuleKind.FAILURE_MUTED),
    )


def most_rules(kind: RuleKind) -> int:
    """Returns how many rules of a kind there may be."""
    return limits.MAX_MUTED_FAILURES if kind is RuleKind.FAILURE_MUTED else limits.MAX_RULES_PER_KIND


_FULL: Mapping[RuleKind, tuple[str, str]] = {
    RuleKind.POOL_PAUSED: ("pool", "resume another"),
    RuleKind.TYPE_PAUSED: ("type", "resume another"),
    RuleKind.TYPE_LIMIT: ("type", "take the limit off another"),
    RuleKind.FAILURE_MUTED: ("fingerprint", "unmute another"),
}
"""The field that names the subject of a rule of each kind, and how to make space for another rule."""


def too_many(kind: RuleKind) -> InvalidRequest:
    """Returns the error for one rule too many of its kind."""
    field_name, undo = _FULL[kind]
    return InvalidRequest.of(
        field_name,
        f"can't get a rule: {most_rules(kind)} others have one, the most allowed; {undo} first",
    )
