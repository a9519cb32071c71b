"""Named conditions, and the writes that they guard, in both of DynamoDB's languages.

An UpdateItem takes expressions with placeholders; a batch takes PartiQL statements. Each condition is defined once
here, and both texts are built from it. The texts depend only on the shape of a write, never on its values, so each is
built once for a shape and then cached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import Plain, encode
from tidegate.domain.states import State

_SHAPES = 512  # cached texts; only a few dozen occur
_NAME = re.compile(r"#(\w+)")
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition with a `?` for each of its `values`, in their order.

    `call` is its text for an UpdateItem, with names as `#name`. `statement` is its text for PartiQL, with names in
    quotes, or None if PartiQL, as AWS documents it, can't express it.
    """

    call: str
    statement: str | None
    values: tuple[Plain, ...] = ()

    @property
    def bare(self) -> str:
        """The text `call` without parentheses around the whole. Only `all_of` and `any_of` put them there."""
        return self.call[1:-1] if self.call.startswith("(") else self.call


def _compared(attribute: str, operator: str, value: Plain) -> Clause:
    return Clause(f"#{attribute} {operator} ?", f'"{attribute}" {operator} ?', (value,))


def equals(attribute: str, value: Plain) -> Clause:
    """Requires that the attribute exists and has this value."""
    return Clause(
        f"#{attribute} = ?", f'"{attribute}" = ?', (value,)
    )  # most conditions: no call within the call


def differs(attribute: str, value: Plain) -> Clause:
    """Requires that the attribute does not have this value. An absent attribute differs from every value."""
    return Clause(f"#{attribute} <> ?", None, (value,))


def below(attribute: str, bound: int) -> Clause:
    """Requires that the attribute exists and is less than `bound`."""
    return _compared(attribute, "<", bound)


def at_most(attribute: str, bound: int) -> Clause:
    """Requires that the attribute exists and is not more than `bound`."""
    return _compared(attribute, "<=", bound)


def at_least(attribute: str, bound: int) -> Clause:
    """Requires that the attribute exists and is not less than `bound`."""
    return _compared(attribute, ">=", bound)


def absent(attribute: str) -> Clause:
    """Requires that the attribute does not exist."""
    return Clause(f"attribute_not_exists(#{attribute})", f'"{attribute}" IS MISSING')


def present(attribute: str) -> Clause:
    """Requires that the attribute exists."""
    return Clause(f"attribute_exists(#{attribute})", f'"{attribute}" IS NOT MISSING')


def one_of(attribute: str, values: Sequence[str]) -> Clause:
    """Requires that the attribute exists and has one of these values."""
    marks = ", ".join("?" * len(values))
    return Clause(f"#{attribute} IN ({marks})", f'"{attribute}" IN [{marks}]', tuple(values))


def holds_exactly(attribute: str, ordinals: Set[int]) -> Clause:
    """Requires that the attribute is the set of exactly these ordinals; there must be at least one."""
    return _compared(attribute, "=", frozenset(ordinals))


def holds(attribute: str, member: Plain) -> Clause:
    """Requires that the attribute is a set that has this member."""
    return Clause(f"contains(#{attribute}, ?)", f'contains("{attribute}", ?)', (member,))


def has_fewer_than(attribute: str, count: int) -> Clause:
    """Requires that the attribute is a set or a map with fewer than `count` members; it has no PartiQL text."""
    return Clause(f"size(#{attribute}) < ?", None, (count,))


def all_of(*clauses: Clause) -> Clause:
    """Requires that every one of the clauses holds."""
    statements = [clause.statement for clause in clauses if clause.statement is not None]
    return Clause(
        "(" + " AND ".join([clause.call for clause in clauses]) + ")",
        "(" + " AND ".join(statements) + ")" if len(statements) == len(clauses) else None,
        tuple([value for clause in clauses for value in clause.values]),
    )


def any_of(*clauses: Clause) -> Clause:
    """Requires that at least one of the clauses holds; it has no PartiQL text.

    The WHERE of a statement must come down to one key, and AWS does not document that it may contain an OR.
    """
    call = "(" + " OR ".join(clause.call for clause in clauses) + ")"
    return Clause(call, None, tuple(value for clause in clauses for value in clause.values))


def in_state(*states: State) -> Clause:
    """Requires that the job is in one of these states."""
    if len(states) == 1:
        return equals(schema.STATE, str(states[0]))
    return one_of(schema.STATE, [str(state) for state in states])


def attempt_is(attempt: int) -> Clause:
    """Requires that the job has been claimed this many times."""
    return equals(schema.ATTEMPT, attempt)


IN_WORKER: Final = absent(schema.OUTSIDE_UNTIL)
"""Requires that the job is not outside."""


def attempt_holds(attempt: int) -> Clause:
    """Requires that the job is RUNNING under this attempt in a worker: the fence of every worker's write."""
    return all_of(in_state(State.RUNNING), attempt_is(attempt), IN_WORKER)


def outside_holds(attempt: int, digest: str) -> Clause:
    """Requires that the job is outside under this attempt and this digest of its token."""
    return all_of(
        in_state(State.RUNNING),
        equals(schema.OUTSIDE_ATTEMPT, attempt),
        equals(schema.OUTSIDE_DIGEST, digest),
        present(schema.OUTSIDE_UNTIL),
    )


def lease_expired(now_ms: int) -> Clause:
    """Requires that the lease ended before `now_ms`."""
    return below(schema.LEASE_EXPIRES_AT, now_ms)


def not_cancelled() -> Clause:
    """Requires that no cancellation was requested."""
    return absent(schema.CANCEL_REQUESTED_AT)


def second_holds(attempt: int, worker_id: str | None) -> Clause:
    """Requires a live second attempt beside this attempt, claimed by this worker; None for one that nobody claimed."""
    claimed = absent(schema.SECOND_WORKER_ID)
    if worker_id is not None:
        claimed = equals(schema.SECOND_WORKER_ID, worker_id)
    return all_of(
        attempt_holds(attempt), equals(schema.SECOND_BESIDE, attempt), claimed, absent(schema.SECOND_END)
    )


def no_second_since(life: int | None) -> Clause:
    """Requires that the job's latest second attempt was in this life; None means that it never had one."""
    return absent(schema.SECOND_LIFE) if life is None else equals(schema.SECOND_LIFE, life)


def never() -> Clause:
    """Holds for no job, so that the refusal returns the current job and the domain's rule can give the reason."""
    return below(schema.REOPENED, 0)


def reopened_times(reopened: int) -> Clause:
    """Requires that the job was reopened this many times; 0 is stored as absent."""
    return equals(schema.REOPENED, reopened) if reopened else absent(schema.REOPENED)


def amended_times(amended: int) -> Clause:
    """Requires that the job was amended this many times; 0 is stored as absent.

    A write that rests on what an amendment changes (priority, pool, `not_before`) has this clause.
    """
    return equals(schema.AMENDED, amended) if amended else absent(schema.AMENDED)


def due_at(due_at_ms: int | None) -> Clause:
    """Requires that the job waits until this moment; None means that it waits for no moment."""
    return absent(schema.DUE_AT) if due_at_ms is None else equals(schema.DUE_AT, due_at_ms)


def held_in(lane: str) -> Clause:
    """Requires that the job is held in this lane; an empty lane is stored as absent."""
    return equals(schema.HELD_IN, lane) if lane else absent(schema.HELD_IN)


def ready_since(ready_at_ms: int | None) -> Clause:
    """Requires that the job last became READY at this moment; None means that it never did."""
    return absent(schema.READY_AT) if ready_at_ms is None else equals(schema.READY_AT, ready_at_ms)


def judged(finish_by_ms: int | None, text: str | None) -> Clause:
    """Requires this time to finish by, and this text of judgements about it; None means that there is none."""
    return all_of(
        absent(schema.FINISH_BY) if finish_by_ms is None else equals(schema.FINISH_BY, finish_by_ms),
        absent(schema.JUDGEMENTS) if text is None else equals(schema.JUDGEMENTS, text),
    )


def lost_workers(losses: int) -> Clause:
    """Requires that this many leases of the job ran out in this life; 0 is stored as absent."""
    return equals(schema.WORKER_LOSSES, losses) if losses else absent(schema.WORKER_LOSSES)


def tried_times(tries: int) -> Clause:
    """Requires that this many runs in this life ended by their own failure, timeout or death; 0 is stored as absent."""
    return equals(schema.TRIES, tries) if tries else absent(schema.TRIES)


def waiting_only_on(ordinals: Set[int]) -> Clause:
    """Requires that exactly these dependencies are not satisfied yet; an empty set is stored as absent."""
    return holds_exactly(schema.WAITING_ON, ordinals) if ordinals else absent(schema.WAITING_ON)


def waiting_for(ordinal: int) -> Clause:
    """Requires that this dependency is not satisfied yet, whatever the others are."""
    return holds(schema.WAITING_ON, ordinal)


def never_released() -> Clause:
    """Requires that a PENDING job is still as it was first written.

    It waits for every dependency, was never reopened, and no dependent was noted on it.
    """
    waits_on_all = Clause(f"size(#{schema.WAITING_ON}) = #{schema.DEPENDENCY_COUNT}", None)
    return all_of(
        in_state(State.PENDING), waits_on_all, absent(schema.DEPENDENTS_OVERFLOW), reopened_times(0)
    )


class _Shape(NamedTuple):
    """The parts of a write that its text depends on: the attributes that it sets, removes, and so on."""

    set: tuple[str, ...]
    remove: tuple[str, ...]
    set_once: tuple[str, ...]
    add: tuple[str, ...]
    appends: bool
    releases: bool


@dataclass(frozen=True, slots=True)
class Update:
    """One conditional write: its condition, the values to set (None removes), and further effects.

    - `set_once`: values to set only if the attribute is absent.
    - `add`: numbers to add to attributes.
    - `append`: a line for the history.
    - `release`: ordinals to remove from `waiting_on`.
    """

    condition: Clause
    values: Mapping[str, Plain] = field(default_factory=dict)
    set_once: Mapping[str, Plain] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    append: str | None = None
    release: frozenset[int] = frozenset()

    def render(self, key_attribute: str) -> dict[str, Any]:
        """Returns the arguments of UpdateItem. The write never creates an item, because `key_attribute` must exist."""
        update, condition, names = _call_texts(self._shape(), self.condition.call, key_attribute)
        values = [*self._new_values(), *self.condition.values]
        return {
            **({"UpdateExpression": update} if update else {}),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": dict(names),
            **_placeholders(values),
        }

    def statement(self, table: str, key_attribute: str, key: str) -> dict[str, Any] | None:
        """Returns the write as an entry of BatchExecuteStatement that returns the item after it.

        None if PartiQL can't express it. PartiQL can't express `set_once`. The statement does not ask for the item
        that refuses it, because AWS never returns it.
        """
        if self.set_once or self.condition.statement is None:
            return None
        return {
            "Statement": _statement_text(self._shape(), self.condition.statement, table, key_attribute),
            "Parameters": [encode(value) for value in (*self._new_values(), key, *self.condition.values)],
        }

    def _shape(self) -> _Shape:
        return _Shape(
            tuple([attribute for attribute, value in self.values.items() if value is not None]),
            tuple([attribute for attribute, value in self.values.items() if value is None]),
            tuple(self.set_once),
            tuple(self.add),
            self.append is not None,
            bool(self.release),
        )

    def _new_values(self) -> Iterator[Plain]:
        """Yields the values in the order of their placeholders in both texts."""
        yield from [value for value in self.values.values() if value is not None]
        yield from self.set_once.values()
        yield from self.add.values()
        if self.append is not None:
            yield [self.append]
        if self.release:
            yield self.release


def condition_arguments(clause: Clause) -> dict[str, Any]:
    """Returns the arguments that make a PutItem conditional."""
    text, names = _numbered(clause.call)
    return {"ConditionExpression": text, "ExpressionAttributeNames": names, **_placeholders(clause.values)}


def update_arguments(
    update: str, values: Sequence[Plain], condition: Clause, *, names: Mapping[str, str] = _NO_NAMES
) -> dict[str, Any]:
    """Returns the arguments of an UpdateItem that, unlike an `Update`, may create the item.

    `update` is the UpdateExpression, with attributes as `#name` and a `?` for each of `values`, in their order.
    `names` says which attribute a `#name` stands for, where that is not the name itself.
    """
    text, guard, found = _update_texts(update, condition.bare)
    return {
        "UpdateExpression": text,
        "ConditionExpression": guard,
        "ExpressionAttributeNames": {mark: names.get(name, name) for mark, name in found.items()},
        **_placeholders([*values, *condition.values]),
    }


@lru_cache(_SHAPES)
def _update_texts(update: str, condition: str) -> tuple[str, str, Mapping[str, str]]:
    """Returns UpdateExpression, ConditionExpression and the names that they use."""
    text, names = _numbered(f"{update}\n{condition}")
    numbered, _, guard = text.partition("\n")
    return numbered, guard, names


@lru_cache(_SHAPES)
def _call_texts(shape: _Shape, condition: str, key_attribute: str) -> tuple[str, str, Mapping[str, str]]:
    """Returns UpdateExpression, ConditionExpression and the names that they use."""
    sets = [f"#{name} = ?" for name in shape.set]
    sets += [f"#{name} = if_not_exists(#{name}, ?)" for name in shape.set_once]
    sets += [f"#{name} = #{name} + ?" for name in shape.add]
    if shape.appends:
        sets.append(f"#{schema.HISTORY} = list_append(#{schema.HISTORY}, ?)")
    sections = ["SET " + ", ".join(sets)] if sets else []
    if shape.remove:
        sections.append("REMOVE " + ", ".join(f"#{name}" for name in shape.remove))
    if shape.releases:
        sections.append(f"DELETE #{schema.WAITING_ON} ?")
    text, names = _numbered(" ".join(sections) + "\n" + f"({present(key_attribute).call} AND {condition})")
    update, _, guard = text.partition("\n")
    return update, guard, names


@lru_cache(_SHAPES)
def _statement_text(shape: _Shape, condition: str, table: str, key_attribute: str) -> str:
    steps = [f'SET "{name}" = ?' for name in shape.set]
    steps += [f'SET "{name}" = "{name}" + ?' for name in shape.add]
    if shape.appends:
        steps.append(f'SET "{schema.HISTORY}" = list_append("{schema.HISTORY}", ?)')
    if shape.releases:
        steps.append(f'SET "{schema.WAITING_ON}" = set_delete("{schema.WAITING_ON}", ?)')
    steps += [f'REMOVE "{name}"' for name in shape.remove]
    return (
        f'UPDATE "{table}" {" ".join(steps)} WHERE "{key_attribute}" = ? AND {condition} RETURNING ALL NEW *'
    )


def _numbered(text: str) -> tuple[str, dict[str, str]]:
    """Returns the text with a placeholder of its own for each `?`, and the names behind its `#names`."""
    numbers = count()
    numbered = re.sub(r"\?", lambda _: f":v{next(numbers)}", text)
    return numbered, {f"#{name}": name for name in _NAME.findall(text)}


def _placeholders(values: Sequence[Plain]) -> dict[str, Any]:
    if not values:
        return {}
    return {"ExpressionAttributeValues": {f":v{n}": encode(value) for n, value in enumerate(values)}}
