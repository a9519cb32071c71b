"""The rule store in memory."""

from __future__ import annotations

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.rules import (
    DispatchRules,
    RuleChange,
    RuleEntry,
    RuleKey,
    RuleKind,
    most_rules,
    rules_from,
    too_many,
)


class MemoryRuleStore:
    """Keeps the rules in a `MemoryWorld`; see ports.RuleStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def load(self) -> DispatchRules:
        """Returns the current rules."""
        self._world.charge("load_rules")
        with self._world.lock:
            return rules_from(self._world.rules)

    def set_pool_paused(self, pool: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a pool, or resumes it with `paused=False`; returns the rules after that.

        Raises InvalidRequest where there are as many rules of the kind as allowed.
        """
        return self._set((RuleKind.POOL_PAUSED, pool), int(paused), RuleChange(actor, now_ms))

    def set_type_paused(self, job_type: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a job type, or resumes it with `paused=False`; result and errors as for `set_pool_paused`."""
        return self._set((RuleKind.TYPE_PAUSED, job_type), int(paused), RuleChange(actor, now_ms))

    def set_type_limit(
        self, job_type: str, max_running: int | None, *, actor: str, now_ms: int
    ) -> DispatchRules:
        """Limits how many jobs of a type run at once (1-100), or removes the limit with None."""
        return self._set((RuleKind.TYPE_LIMIT, job_type), max_running or 0, RuleChange(actor, now_ms))

    def set_failure_muted(self, fingerprint: str, muted: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Mutes the failures with a fingerprint, or unmutes them; result and errors as for `set_pool_paused`."""
        return self._set((RuleKind.FAILURE_MUTED, fingerprint), int(muted), RuleChange(actor, now_ms))

    def _set(self, key: RuleKey, value: int, change: RuleChange) -> DispatchRules:
        self._world.charge("set_rule")
        with self._world.lock:
            rules = self._world.rules
            standing = rules.get(key)
            if value != (standing.value if standing else 0):
                if standing is None:
                    self._make_room(key[0])
                rules[key] = RuleEntry(value, change)
            return rules_from(rules)

    def _make_room(self, kind: RuleKind) -> None:
        """Removes the idle rule that was changed longest ago if the kind is full.

        Raises InvalidRequest if none is idle.
        """
        rules = self._world.rules
        of_kind = [(entry.change.at_ms, key) for key, entry in rules.items() if key[0] is kind]
        if len(of_kind) < most_rules(kind):
            return
        idle = [(at_ms, key) for at_ms, key in of_kind if rules[key].is_idle]
        if not idle:
            raise too_many(kind)
        del rules[min(idle)[1]]
