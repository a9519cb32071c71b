"""Conditions by name, and the expression that they and the changes of one UpdateItem are put together in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from tidegate.adapters import dynamodb_schema as schema
from tidegate.adapters.dynamodb_values import Plain, encode
from tidegate.domain import limits
from tidegate.domain.states import TERMINAL, State


@dataclass(slots=True)
class Expression:
    """Hands out placeholders: every name becomes `#name`, every value `:v<n>`."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute's name."""
        placeholder = f"#{attribute}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, plain: Plain) -> str:
        """The placeholder of a value."""
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = encode(plain)
        return placeholder


Clause = Callable[[Expression], str]


def equals(attribute: str, value: Plain) -> Clause:
    """The attribute is there and has this value."""
    return lambda e: f"{e.name(attribute)} = {e.value(value)}"


def is_one_of(attribute: str, values: Iterable[str]) -> Clause:
    """The attribute is there and has one of these values."""
    return lambda e: f"{e.name(attribute)} IN ({', '.join(e.value(value) for value in values)})"


def absent(attribute: str) -> Clause:
    """The attribute is not there."""
    return lambda e: f"attribute_not_exists({e.name(attribute)})"


def present(attribute: str) -> Clause:
    """The attribute is there."""
    return lambda e: f"attribute_exists({e.name(attribute)})"


def below(attribute: str, bound: int) -> Clause:
    """The attribute is there and less than `bound`."""
    return lambda e: f"{e.name(attribute)} < {e.value(bound)}"


def at_most(attribute: str, bound: int) -> Clause:
    """The attribute is there and not more than `bound`."""
    return lambda e: f"{e.name(attribute)} <= {e.value(bound)}"


def at_least(attribute: str, bound: int) -> Clause:
    """The attribute is there and not less than `bound`."""
    return lambda e: f"{e.name(attribute)} >= {e.value(bound)}"


def all_of(*clauses: Clause) -> Clause:
    """Every one of the clauses holds."""
    return lambda e: "(" + " AND ".join(clause(e) for clause in clauses) + ")"


def any_of(*clauses: Clause) -> Clause:
    """At least one of the clauses holds."""
    return lambda e: "(" + " OR ".join(clause(e) for clause in clauses) + ")"


def in_state(*states: State) -> Clause:
    """The job is in one of these states."""
    if len(states) == 1:
        return equals(schema.STATE, str(states[0]))
    return is_one_of(schema.STATE, map(str, states))


def not_ended() -> Clause:
    """The job is not terminal."""
    return in_state(*(state for state in State if state not in TERMINAL))


def attempt_is(attempt: int) -> Clause:
    """The job has been claimed this often."""
    return equals(schema.ATTEMPT, attempt)


def attempt_holds(attempt: int) -> Clause:
    """The job is RUNNING under this attempt: the fence around every write of a worker."""
    return all_of(in_state(State.RUNNING), attempt_is(attempt))


def lease_expired(now_ms: int) -> Clause:
    """The lease ended before `now_ms`."""
    return below(schema.LEASE_EXPIRES_AT, now_ms)


def not_cancelled() -> Clause:
    """Nobody asked for cancellation."""
    return absent(schema.CANCEL_REQUESTED_AT)


def may_run_again_after(attempt: int) -> Clause:
    """The job's retries allow another attempt after this one."""
    if attempt <= limits.DEFAULT_MAX_RETRIES:  # the default is not stored
        return any_of(absent(schema.MAX_RETRIES), at_least(schema.MAX_RETRIES, attempt))
    return at_least(schema.MAX_RETRIES, attempt)


def waiting_only_on(ordinals: Set[int]) -> Clause:
    """Exactly these dependencies are not satisfied yet. An empty set is not stored."""
    return equals(schema.WAITING_ON, frozenset(ordinals)) if ordinals else absent(schema.WAITING_ON)


def never_released() -> Clause:
    """A PENDING job whose every dependency is still waited for, and that nobody noted a dependent on.

    It is as it was when it was written.
    """
    return all_of(in_state(State.PENDING), _waits_on_all, absent(schema.DEPENDENTS_APART))


def _waits_on_all(expression: Expression) -> str:
    return f"size({expression.name(schema.WAITING_ON)}) = {expression.name(schema.DEPENDENCY_COUNT)}"


@dataclass(frozen=True, slots=True)
class Change:
    """What one UpdateItem does: its condition, values to set (None removes), and what else it may do.

    `set_once` are values to set only where the attribute is absent, `add` numbers to add; `append` is a line
    for the history, `release` are ordinals to take off `waiting_on`.
    """

    condition: Clause
    values: Mapping[str, Plain] = field(default_factory=dict)
    set_once: Mapping[str, Plain] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    append: str | None = None
    release: frozenset[int] = frozenset()

    def render(self, key_attribute: str) -> dict[str, Any]:
        """The arguments of UpdateItem. It never creates an item: `key_attribute` must exist."""
        expression = Expression()
        condition = all_of(present(key_attribute), self.condition)(expression)
        sets = list(self._sets(expression))
        removes = [expression.name(attribute) for attribute, value in self.values.items() if value is None]
        sections = []
        if sets:
            sections.append("SET " + ", ".join(sets))
        if removes:
            sections.append("REMOVE " + ", ".join(removes))
        if self.release:
            ordinals = expression.value(self.release)
            sections.append(f"DELETE {expression.name(schema.WAITING_ON)} {ordinals}")
        arguments: dict[str, Any] = {
            "ConditionExpression": condition,
            "ExpressionAttributeNames": expression.names,
        }
        if sections:
            arguments["UpdateExpression"] = " ".join(sections)
        if expression.values:
            arguments["ExpressionAttributeValues"] = expression.values
        return arguments

    def _sets(self, expression: Expression) -> Iterable[str]:
        for attribute, value in self.values.items():
            if value is not None:
                yield f"{expression.name(attribute)} = {expression.value(value)}"
        for attribute, value in self.set_once.items():
            name = expression.name(attribute)
            yield f"{name} = if_not_exists({name}, {expression.value(value)})"
        for attribute, number in self.add.items():
            name = expression.name(attribute)
            yield f"{name} = {name} + {expression.value(number)}"
        if self.append is not None:
            name = expression.name(schema.HISTORY)
            yield f"{name} = list_append({name}, {expression.value([self.append])})"
