"""The rules that operators set at run time: pauses and limits that the dispatcher obeys."""

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

    `value` is 1 or 0 for paused or not. For a limit it is the number of jobs, or 0 for no limit.
    """

    value: int
    change: RuleChange

    @property
    def is_idle(self) -> bool:
        """Tells whether the rule holds nothing back. Such a rule is kept only because it names its last change."""
        return self.value == 0


RuleKey = tuple[RuleKind, str]
"""A rule's kind, and the pool or the job type that it applies to."""


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """All rules at one moment.

    `types` has no entry for a type without a rule, and `changes` none for a rule that was never set.
    """

    paused_pools: frozenset[str] = frozenset()
    types: Mapping[str, TypeRule] = field(default_factory=dict)
    changes: Mapping[RuleKey, RuleChange] = field(default_factory=dict)

    def is_paused(self, pool: str) -> bool:
        """Tells whether the pool is paused, so that nothing may be dispatched to it."""
        return pool in self.paused_pools

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
        """Returns the last change of the rule for this pool or type, None where it was never set."""
        return self.changes.get((kind, name))


def rules_from(entries: Mapping[RuleKey, RuleEntry]) -> DispatchRules:
    """Returns the rules that these entries make together."""
    in_force = {key: entry.value for key, entry in entries.items() if not entry.is_idle}
    types = {name for kind, name in in_force if kind is not RuleKind.POOL_PAUSED}
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
    )


def too_many(kind: RuleKind) -> InvalidRequest:
    """Returns the error for one rule too many of its kind."""
    field_name = "pool" if kind is RuleKind.POOL_PAUSED else "type"
    undo = "take the limit off another" if kind is RuleKind.TYPE_LIMIT else "resume another"
    return InvalidRequest.of(
        field_name,
        f"can't get a rule: {limits.MAX_RULES_PER_KIND} others have one, the most allowed; {undo} first",
    )
