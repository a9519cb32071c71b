"""The port for the conditions of CONDITIONAL dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tidegate.domain import limits
from tidegate.domain.job import Json


class Conditions(Protocol):
    """The expression language of CONDITIONAL dependencies."""

    def check(self, expression: str) -> None:
        """Raises ConditionError where the expression does not compile."""

    def evaluate(
        self, expression: str, upstream: Mapping[str, Json], *, max_steps: int = limits.MAX_CONDITION_STEPS
    ) -> bool:
        """Returns the expression's value over `upstream`.

        Raises ConditionError where the expression fails or its value is no boolean, and ConditionTooDear where it would
        take more than `max_steps`. A step takes a bounded time and memory. The outcome depends on the arguments alone.
        """
