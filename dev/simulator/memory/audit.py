"""The audit trail in memory."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.audit import Act, AuditSearch, SearchBy, day_of
from tidegate.domain.ids import first_ulid


class MemoryAuditTrail:
    """Keeps acts in a `MemoryWorld`; see ports.AuditTrail."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def ask(self, act: Act) -> None:
        """Stores that an act was asked for."""
        self._world.charge("ask_audit")
        with self._world.lock:
            self._world.acts.setdefault(act.act_id, act)

    def conclude(self, act: Act) -> None:
        """Stores the outcome of an act; the first one stays."""
        self._world.charge("conclude_audit")
        with self._world.lock:
            standing = self._world.acts[act.act_id]
            if standing.ended_at_ms is None:
                self._world.acts[act.act_id] = replace(
                    standing,
                    outcome=act.outcome,
                    ended_at_ms=act.ended_at_ms,
                    code=act.code,
                    before=dict(act.before),
                    after=dict(act.after),
                )

    def page(self, search: AuditSearch, *, limit: int, before: str | None = None) -> tuple[Act, ...]:
        """Returns acts, newest first."""
        self._world.charge("page_audit")
        low, high = first_ulid(search.since_ms), before or first_ulid(search.until_ms)
        with self._world.lock:
            found = [
                act
                for act_id, act in sorted(self._world.acts.items(), reverse=True)
                if low <= act_id < high and _value(act, search.by) == search.value
            ]
        return tuple(found[:limit])


def _value(act: Act, by: SearchBy) -> str:
    if by is SearchBy.SUBJECT:
        return act.subject
    if by is SearchBy.CALLER:
        return act.caller.subject
    return day_of(act.at_ms)
