"""The rule store on DynamoDB.

All rules are one item of the Control table, with a map for each kind of rule. A change of a rule writes one entry of
one map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, old_item, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.statements import (
    absent,
    all_of,
    any_of,
    differs,
    equals,
    has_fewer_than,
    present,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Attribute, Item, decode_item, encode
from tidegate.domain.errors import ServiceUnavailable
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
from tidegate.settings import Tables

MAPS: Mapping[RuleKind, str] = {
    RuleKind.POOL_PAUSED: schema.PAUSED_POOLS,
    RuleKind.TYPE_PAUSED: schema.PAUSED_TYPES,
    RuleKind.TYPE_LIMIT: schema.TYPE_LIMITS,
    RuleKind.FAILURE_MUTED: schema.MUTED_FAILURES,
}
_KEY = schema.control_key(schema.RULES)
# Paths to a kind's map, to one rule in it, and to that rule's value; `_names_of` says which names they stand for. They
# are for calls only, because PartiQL would take a path in quotes for one name.
_MAP, _RULE, _VALUE = "map", "map.#name", "map.#name.#value"
_TRIES = 4  # a write may have to create the item or remove an idle rule first, beside other writers


@dataclass(frozen=True, slots=True)
class DynamoRuleStore:
    """Keeps every rule in one item of Control, so that one read shows all rules at the same moment."""

    clients: AwsClients
    tables: Tables

    def load(self) -> DispatchRules:
        """Returns the current rules, by one consistent read."""
        return rules_from(_entries(self._read()))

    def set_pool_paused(self, pool: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a pool, or resumes it with `paused=False`; returns the rules after that.

        `actor` and `now_ms` (milliseconds since the epoch) are stored with the rule. Raises InvalidRequest where
        there are as many rules of the kind as allowed, and ServiceUnavailable where too many other changes
        interfered.
        """
        return self._set((RuleKind.POOL_PAUSED, pool), int(paused), RuleChange(actor, now_ms))

    def set_type_paused(self, job_type: str, paused: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Pauses a job type, or resumes it with `paused=False`.

        The arguments, the result and the errors are those of `set_pool_paused`.
        """
        return self._set((RuleKind.TYPE_PAUSED, job_type), int(paused), RuleChange(actor, now_ms))

    def set_type_limit(
        self, job_type: str, max_running: int | None, *, actor: str, now_ms: int
    ) -> DispatchRules:
        """Limits how many jobs of a type run at once (1-100), or removes the limit with None.

        The other arguments, the result and the errors are those of `set_pool_paused`.
        """
        return self._set((RuleKind.TYPE_LIMIT, job_type), max_running or 0, RuleChange(actor, now_ms))

    def set_failure_muted(self, fingerprint: str, muted: bool, *, actor: str, now_ms: int) -> DispatchRules:
        """Mutes the failures with a fingerprint, or unmutes them with `muted=False`.

        The other arguments, the result and the errors are those of `set_pool_paused`.
        """
        return self._set((RuleKind.FAILURE_MUTED, fingerprint), int(muted), RuleChange(actor, now_ms))

    def _set(self, key: RuleKey, value: int, change: RuleChange) -> DispatchRules:
        """Writes one rule under a condition.

        If the write is refused, the current item decides what to do about it.
        """
        for _ in range(_TRIES):
            item, done = self._set_if_changed(key, value, change)
            entries = _entries(item)
            standing = entries.get(key)
            if done or value == (standing.value if standing else 0):
                return rules_from(entries)
            if MAPS[key[0]] not in item:
                self._make_maps_if_absent()
            elif standing is None and _is_full(entries, key[0]):
                self._remove_if_idle(_idle_rule(entries, key[0]))
        raise ServiceUnavailable("setting a rule met too many other changes; repeat it in a moment")

    def _set_if_changed(self, key: RuleKey, value: int, change: RuleChange) -> tuple[Item, bool]:
        """Sets the rule if its value differs; returns the item after that and True, or the current item and False.

        A new rule is refused while its map is full. Clearing a rule that was never set is refused as well.
        """
        is_changed = all_of(present(_RULE), differs(_VALUE, value))
        is_new = all_of(present(_MAP), absent(_RULE), has_fewer_than(_MAP, most_rules(key[0])))
        return self._update(
            **update_arguments(
                f"SET #{_RULE} = ?",
                (_as_map(value, change),),
                any_of(is_changed, is_new) if value else is_changed,
                names=_names_of(key),
            )
        )

    def _make_maps_if_absent(self) -> None:
        # Each map has a placeholder of its own: an emulator may store one shared placeholder as one shared map.
        sets = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in MAPS.values())
        self._update(
            UpdateExpression=f"SET {sets}",
            ExpressionAttributeNames={f"#{name}": name for name in MAPS.values()},
            ExpressionAttributeValues={f":{name}": encode({}) for name in MAPS.values()},
        )

    def _remove_if_idle(self, key: RuleKey) -> None:
        self._update(**update_arguments(f"REMOVE #{_RULE}", (), equals(_VALUE, 0), names=_names_of(key)))

    def _update(self, **arguments: Any) -> tuple[Item, bool]:
        """Returns the item after the update and True.

        Where the condition did not hold, returns the current item and False.
        """
        try:
            with translated("setting a rule", passing=(CONDITION_FAILED,)):
                answer = self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_KEY,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **arguments,
                )
        except ClientError as error:
            # A refusal may come without the item although the item exists, so the item is read.
            return old_item(error) or self._read(), False
        return dict(answer["Attributes"]), True

    def _read(self) -> Item:
        with translated("reading the rules"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.control, Key=_KEY, ConsistentRead=True
            )
        return dict(answer.get("Item") or {})


def _names_of(key: RuleKey) -> Mapping[str, str]:
    kind, name = key
    return {"map": MAPS[kind], "name": name, "value": schema.RULE_VALUE}


def _as_map(value: int, change: RuleChange) -> dict[str, int | str]:
    return {schema.RULE_VALUE: value, schema.RULE_ACTOR: change.actor, schema.RULE_AT: change.at_ms}


def _entries(item: Mapping[str, Attribute]) -> dict[RuleKey, RuleEntry]:
    plain = decode_item(item)
    return {
        (kind, name): RuleEntry(
            held[schema.RULE_VALUE], RuleChange(held[schema.RULE_ACTOR], held[schema.RULE_AT])
        )
        for kind, attribute in MAPS.items()
        for name, held in plain.get(attribute, {}).items()
    }


def _is_full(entries: Mapping[RuleKey, RuleEntry], kind: RuleKind) -> bool:
    """Returns True if there is no space for another rule of a kind.

    The map is read after the refused write, so it may have space again although that write found it full.
    """
    return sum(of is kind for of, _ in entries) >= most_rules(kind)


def _idle_rule(entries: Mapping[RuleKey, RuleEntry], kind: RuleKind) -> RuleKey:
    """Returns the idle rule that was changed longest ago, for a new rule to replace.

    Raises InvalidRequest where none is idle.
    """
    idle = [(entry.change.at_ms, key) for key, entry in entries.items() if key[0] is kind and entry.is_idle]
    if not idle:
        raise too_many(kind)
    return min(idle)[1]
