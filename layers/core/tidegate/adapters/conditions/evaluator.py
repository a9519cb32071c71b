"""Turns the tree of an expression into a program, and runs it with every step counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tidegate.adapters.conditions import functions, loops, values
from tidegate.adapters.conditions.meter import CHARACTERS_PER_STEP, ERROR_STEPS, Evaluate, Run
from tidegate.adapters.conditions.syntax import (
    Binary,
    Call,
    Choice,
    Field,
    Has,
    Index,
    ListOf,
    Literal,
    Logic,
    Loop,
    MapOf,
    Matches,
    Name,
    Node,
    Unary,
)
from tidegate.domain.errors import ConditionError, ConditionTooDear
from tidegate.domain.suggestions import did_you_mean

MAX_TREE_DEPTH = 64

_Part: TypeAlias = tuple[Evaluate, int]


@dataclass(frozen=True, slots=True)
class Program:
    """An expression that is ready to run.

    `steps` is the cost of its nodes when each is evaluated once; `slots` is the number of variables, those of loops
    included.
    """

    run: Evaluate
    steps: int
    slots: int

    def evaluate(self, value: Any, *, max_steps: int) -> Any:
        """Returns the expression's value where its one variable has `value`.

        Raises ConditionError where the evaluation fails, and ConditionTooDear where it would cost more than
        `max_steps`.
        """
        run = Run([value, *[None] * (self.slots - 1)], max_steps)
        run.spend(self.steps)
        return self.run(run)


def build(tree: Node, variable: str) -> Program:
    """Makes a program of `tree`, whose one variable is `variable`.

    Raises ConditionError where the tree uses any other name or is nested too deep.
    """
    builder = _Builder()
    run, steps = builder.part(tree, {variable: 0}, 0)
    return Program(run, steps, builder.slots)


class _Builder:
    """Turns each node into a function and its fixed cost in steps.

    The cost that depends on the data is counted at run time.
    """

    def __init__(self) -> None:
        self.slots = 1

    def part(self, node: Node, scope: Mapping[str, int], depth: int) -> _Part:
        """Returns the function of a node, and the steps of the node with all nodes inside it."""
        if depth > MAX_TREE_DEPTH:
            raise ConditionError(
                f"does not compile: it has more than {MAX_TREE_DEPTH} operators nested in each other"
            )
        if isinstance(node, Literal):
            return _constant(node.value)
        if isinstance(node, Name):
            return _name(node.name, scope)
        if isinstance(node, Loop):
            return self._loop(node, scope, depth + 1)
        make, children = _OPERATIONS[type(node)](node)
        parts = [self.part(child, scope, depth + 1) for child in children]
        return make(*[run for run, _ in parts]), 3 + sum(steps for _, steps in parts)

    def _loop(self, node: Loop, scope: Mapping[str, int], depth: int) -> _Part:
        over, steps = self.part(node.over, scope, depth)
        slot = self.slots
        self.slots += 1
        inner = {**scope, node.variable: slot}
        test, test_steps = self.part(node.test, inner, depth) if node.test else _constant(True)
        body, body_steps = self.part(node.body, inner, depth) if node.body else _constant(None)
        each = loops.Each(over, slot, test, body, 4 + test_steps + body_steps)
        return loops.LOOPS[node.kind](each), 4 + steps


def _constant(value: Any) -> _Part:
    return lambda _: value, 1


def _name(name: str, scope: Mapping[str, int]) -> _Part:
    slot = scope.get(name)
    if slot is not None:
        return lambda run: run.values[slot], 1
    if name in values.KINDS:
        return _constant(values.KINDS[name])
    raise ConditionError(
        f"uses the unknown name {name[:40]!r}; a condition knows only {next(iter(scope))!r} "
        f"with status, result, duration_seconds, attempts, code, reason and error{did_you_mean(name, scope)}"
    )


_Make: TypeAlias = Callable[..., Evaluate]


def _field(node: Field) -> tuple[_Make, Sequence[Node]]:
    name = node.name
    return lambda of: lambda run: values.field(of(run), name), [node.of]


def _has(node: Has) -> tuple[_Make, Sequence[Node]]:
    def make(of: Evaluate) -> Evaluate:
        def evaluate(run: Run) -> bool:
            holder = of(run)
            if not values.is_map(holder):
                raise values.no_overload("has", holder)
            return node.name in holder

        return evaluate

    return make, [node.of]


def _index(node: Index) -> tuple[_Make, Sequence[Node]]:
    return lambda of, key: lambda run: values.element(run, of(run), key(run)), [node.of, node.key]


def _list_of(node: ListOf) -> tuple[_Make, Sequence[Node]]:
    return lambda *items: lambda run: [item(run) for item in items], node.items


def _map_of(node: MapOf) -> tuple[_Make, Sequence[Node]]:
    def make(*parts: Evaluate) -> Evaluate:
        def evaluate(run: Run) -> dict[str, Any]:
            made: dict[str, Any] = {}
            for key_part, value_part in zip(parts[::2], parts[1::2], strict=True):
                key = key_part(run)
                if type(key) is not str:
                    raise values.no_overload("{}", key)
                run.spend(len(key) // CHARACTERS_PER_STEP)
                made[key] = value_part(run)
            return made

        return evaluate

    return make, [part for entry in node.entries for part in entry]


def _unary(node: Unary) -> tuple[_Make, Sequence[Node]]:
    if node.operator == "-":
        return lambda operand: lambda run: values.negative(operand(run)), [node.operand]
    return lambda operand: lambda run: not values.truth(operand(run), "!"), [node.operand]


def _binary(node: Binary) -> tuple[_Make, Sequence[Node]]:
    sign = node.operator

    def make(left: Evaluate, right: Evaluate) -> Evaluate:
        if sign == "==":
            return lambda run: values.equal(run, left(run), right(run))
        if sign == "!=":
            return lambda run: not values.equal(run, left(run), right(run))
        if sign == "in":
            return lambda run: values.is_in(run, left(run), right(run))
        if sign in ("<", "<=", ">", ">="):
            return lambda run: values.ordered(run, left(run), right(run), sign)
        return lambda run: values.arithmetic(run, sign, left(run), right(run))

    return make, [node.left, node.right]


def _logic(node: Logic) -> tuple[_Make, Sequence[Node]]:
    sign, decisive = node.operator, node.operator == "||"
    return lambda *operands: lambda run: _decide(run, operands, sign, decisive), node.operands


def _decide(run: Run, operands: Sequence[Evaluate], sign: str, decisive: bool) -> bool:
    """Returns the value of `&&` or `||`: the first operand that decides wins, even if an operand before it failed."""
    failed: ConditionError | None = None
    for operand in operands:
        try:
            if values.truth(operand(run), sign) is decisive:
                return decisive
        except ConditionTooDear:
            raise
        except ConditionError as error:
            failed = failed or error
            run.spend(ERROR_STEPS)
    if failed is not None:
        raise failed
    return not decisive


def _choice(node: Choice) -> tuple[_Make, Sequence[Node]]:
    def make(test: Evaluate, yes: Evaluate, no: Evaluate) -> Evaluate:
        return lambda run: yes(run) if values.truth(test(run), "?:") else no(run)

    return make, [node.test, node.yes, node.no]


def _matches(node: Matches) -> tuple[_Make, Sequence[Node]]:
    pattern = node.pattern

    def make(text: Evaluate) -> Evaluate:
        def evaluate(run: Run) -> bool:
            given = text(run)
            if type(given) is not str:
                raise values.no_overload("matches", given)
            run.spend(10 + pattern.cost_of(given))
            return pattern.is_found_in(given)

        return evaluate

    return make, [node.text]


def _call(node: Call) -> tuple[_Make, Sequence[Node]]:
    plain = functions.PLAIN.get(node.function)
    if plain is not None:
        return lambda only: lambda run: plain(only(run)), node.arguments
    counted = functions.COUNTED[node.function]
    return lambda text, part: lambda run: counted(run, text(run), part(run)), node.arguments


_OPERATIONS: dict[type, Callable[[Any], tuple[_Make, Sequence[Node]]]] = {
    Field: _field,
    Has: _has,
    Index: _index,
    ListOf: _list_of,
    MapOf: _map_of,
    Unary: _unary,
    Binary: _binary,
    Logic: _logic,
    Choice: _choice,
    Call: _call,
    Matches: _matches,
}
