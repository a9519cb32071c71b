"""Conditions in a part of the Common Expression Language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from tidegate.adapters.expressions.evaluator import Program, build
from tidegate.adapters.expressions.parser import parse
from tidegate.domain import limits
from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Json

VARIABLE = "upstream"
_COMPILED_KEPT = 64  # one takes up to 0.5 MB


class CelConditions:
    """Compiles and evaluates conditions over one variable, `upstream`; keeps the last 64 compiled."""

    def check(self, expression: str) -> None:
        """Raises ConditionError where the expression does not compile, or uses names or functions there are not."""
        _compiled(expression)

    def evaluate(
        self, expression: str, upstream: Mapping[str, Json], *, max_steps: int = limits.MAX_CONDITION_STEPS
    ) -> bool:
        """The expression's value over `upstream`.

        Raises ConditionError where it fails or is no boolean, and ConditionTooDear where it would take more than
        `max_steps`. Which of these it is depends on the expression and `upstream` alone, never on the machine.
        """
        value = _compiled(expression).evaluate(upstream, max_steps=max_steps)
        if not isinstance(value, bool):
            raise ConditionError(
                f"its value is {type(value).__name__}, not a boolean; compare it with something"
            )
        return value


@lru_cache(maxsize=_COMPILED_KEPT)
def _compiled(expression: str) -> Program:
    return build(parse(expression), VARIABLE)
