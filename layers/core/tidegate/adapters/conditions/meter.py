"""Counts the cost of one evaluation in steps, and stops it when the cost is too high."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tidegate.domain.errors import ConditionTooDear

CHARACTERS_PER_STEP = 16  # characters copied or compared in one step; each takes up to 4 bytes
ELEMENTS_PER_STEP = 8  # references copied in one step
ERROR_STEPS = 20  # the cost of an error that is raised, caught and kept


class Run:
    """One evaluation: the values of its variables, and the steps that are left.

    A step stands for at most 0.25 µs and 64 bytes. The count depends on the expression and the values alone, so an
    expression either fails for its cost on every machine or on none.
    """

    __slots__ = ("allowed", "left", "values")

    def __init__(self, values: list[Any], allowed: int) -> None:
        self.values = values
        self.allowed = allowed
        self.left = allowed

    def spend(self, steps: int) -> None:
        """Counts `steps` before they are taken; raises ConditionTooDear if fewer are left."""
        self.left -= steps
        if self.left < 0:
            raise ConditionTooDear(
                f"it costs more than {self.allowed:,} steps over this result; "
                "compute it in the job and return it as part of its result"
            )


Evaluate: TypeAlias = Callable[[Run], Any]
