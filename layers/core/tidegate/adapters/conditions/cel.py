"""The `Conditions` port for a subset of the Common Expression Language (CEL).

An edge of type CONDITIONAL carries an expression over its upstream, such as `upstream.result.rows > 0`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from tidegate.adapters.conditions.checks import ANY, Shape, check_types
from tidegate.adapters.conditions.evaluator import Program, build
from tidegate.adapters.conditions.parser import parse
from tidegate.adapters.conditions.syntax import Node
from tidegate.domain import limits
from tidegate.domain.errors import ConditionError, ConditionTooDear
from tidegate.domain.job import Json
from tidegate.domain.states import TERMINAL

VARIABLE = "upstream"
_COMPILED_KEPT = 64  # each takes up to 0.5 MB
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
"""The shape of `upstream` in every condition; `usecases/release/conditions.py` makes the value."""


class CelConditions:
    """Compiles and evaluates conditions over one variable, `upstream`; caches the 64 conditions used last."""

    def check(self, expression: str) -> None:
        """Raises ConditionError if the expression can't work for any upstream.

        It can't work if it does not compile, if it uses names, fields or functions that don't exist, if it combines
        types that never fit together, or if its value is never a boolean.
        """
        _check(expression)

    def evaluate(
        self, expression: str, upstream: Mapping[str, Json], *, max_steps: int = limits.MAX_CONDITION_STEPS
    ) -> bool:
        """Returns the value of the expression over `upstream`.

        Raises ConditionError where the evaluation fails or its value is no boolean, and ConditionTooDear where it
        would cost more than `max_steps` steps. The outcome depends on the expression and on `upstream` alone, never
        on the machine.
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
        constant = build(tree, "")  # fails if any name is used, for no name is empty
    except ConditionError:
        return  # it uses `upstream`, so its value is not constant
    with suppress(ConditionTooDear):
        constant.evaluate(None, max_steps=_CONSTANT_STEPS)
