"""Rules that operators set at run time: what the dispatcher holds back, whoever waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest


class RuleKind(StrEnum):
    """What a rule says. Each is set by itself, so that two operators never undo each other's change."""

    POOL_PAUSED = "POOL_PAUSED"
    TYPE_PAUSED = "TYPE_PAUSED"
    TYPE_LIMIT = "TYPE_LIMIT"


@dataclass(frozen=True, slots=True)
class TypeRule:
    """What holds for jobs of one type. `max_running` (1-100) is how many run at once, None is as many as fit."""

    paused: bool = False
    max_running: int | None = None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Who gave a rule the value that it has, and when (milliseconds since the epoch)."""

    actor: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule as it is kept. `value` is 1 or 0 for paused or not; the limit of a type, 0 for none."""

    value: int
    change: RuleChange

    @property
    def is_idle(self) -> bool:
        """Whether it holds nothing back; it is kept only to say who changed it last."""
        return self.value == 0


RuleKey = tuple[RuleKind, str]
"""A rule's kind, and the pool or the job type that it is about."""


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """Every rule at one moment. A type without a rule is not in `types`; a rule never set is not in `changes`."""

    paused_pools: frozenset[str] = frozenset()
    types: Mapping[str, TypeRule] = field(default_factory=dict)
    changes: Mapping[RuleKey, RuleChange] = field(default_factory=dict)

    def is_paused(self, pool: str) -> bool:
        """Whether nothing may be dispatched in this pool."""
        return pool in self.paused_pools

    def type_rule(self, job_type: str) -> TypeRule:
        """What holds for jobs of this type; nothing is held back where nobody said so."""
        return self.types.get(job_type, TypeRule())

    def within(self, limited: Mapping[str, int]) -> DispatchRules:
        """Narrows these rules to the number of jobs (0 or more) of some types that workers can run at once."""
        if not limited:
            return self
        types = dict(self.types)
        for job_type, most in limited.items():
            rule = self.type_rule(job_type)
            allowed = most if rule.max_running is None else min(most, rule.max_running)
            types[job_type] = replace(rule, max_running=allowed)
        return replace(self, types=types)

    def last_change(self, kind: RuleKind, name: str) -> RuleChange | None:
        """Who set the rule of this pool or type last; None where nobody did."""
        return self.changes.get((kind, name))


def rules_from(entries: Mapping[RuleKey, RuleEntry]) -> DispatchRules:
    """The rules that these entries make together."""
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
    """The refusal of one more rule of a kind of which there are as many as may be."""
    field_name = "pool" if kind is RuleKind.POOL_PAUSED else "type"
    undo = "take the limit off another" if kind is RuleKind.TYPE_LIMIT else "resume another"
    return InvalidRequest.of(
        field_name,
        f"can't get a rule: {limits.MAX_RULES_PER_KIND} others have one, and there may be no more; {undo} first",
    )
