"""Conditions in a part of the Common Expression Language."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from tidegate.adapters.conditions.checks import (
    ANY,
    Shape,
    check_types,
)
from tidegate.adapters.conditions.evaluator import (
    Program,
    build,
)
from tidegate.adapters.conditions.parser import parse
from tidegate.adapters.conditions.syntax import Node
from tidegate.domain import limits
from tidegate.domain.errors import ConditionError, ConditionTooDear
from tidegate.domain.job import Json
from tidegate.domain.states import TERMINAL

VARIABLE = "upstream"
_COMPILED_KEPT = 64  # one takes up to 0.5 MB
_CONSTANT_STEPS = 3_000
_TEXT = Shape.of("string")
_ERROR_FIELDS: Mapping[str, Shape] = {"code": _TEXT, "message": _TEXT}
_FIELDS: Mapping[str, Shape] = {
    "status": Shape(frozenset({"string"}), texts=frozenset(state.value for state in TERMINAL)),
    "result": ANY,
    "duration_seconds": Shape.of("double"),
    "attempts": Shape.of("int"),
    "code": _TEXT,
    "reason": _TEXT,
    "error": Shape(frozenset({"null_type", "map"}), fields=_ERROR_FIELDS),
}
UPSTREAM = Shape(frozenset({"map"}), fields=_FIELDS)
"""The shape of `upstream` in every condition (usecases/release/conditions.py makes the value)."""


class CelConditions:
    """Compiles and evaluates conditions over one variable, `upstream`; keeps the last 64 compiled."""

    def check(self, expression: str) -> None:
        """Raises ConditionError where the expression can't work for any upstream.

        That is one that does not compile, that uses names, fields or functions there are not, that puts together what
        never fits, or that never has a boolean value.
        """
        _check(expression)

    def evaluate(
        self, expression: str, upstream: Mapping[str, Json], *, max_steps: int = limits.MAX_CONDITION_STEPS
    ) -> bool:
        """The expression's value over `upstream`.

        Raises ConditionError where it fails or is no boolean, and ConditionTooDear where it would take more than
        `max_steps`. Which of these it is depends on the expression and `upstream` alone, never on the machine.
        """
        _, program = _compiled(expression)
        value = program.evaluate(upstream, max_steps=max_steps)
        if not isinstance(value, bool):
            raise ConditionError(
                f"its value is {type(value).__name__}, not a boolean; compare it with something"
            )
        return value


@lru_cache(maxsize=_COMPILED_KEPT)
def _compiled(expression: str) -> tuple[Node, Program]:
    tree = parse(expression)
    return tree, build(tree, VARIABLE)


@lru_cache(maxsize=_COMPILED_KEPT)
def _check(expression: str) -> None:
    tree, _ = _compiled(expression)
    check_types(tree, {VARIABLE: UPSTREAM})
    try:
        constant = build(tree, "")  # no expression can use that name
    except ConditionError:
        return  # it looks at its upstream
    with suppress(ConditionTooDear):
        constant.evaluate(None, max_steps=_CONSTANT_STEPS)
