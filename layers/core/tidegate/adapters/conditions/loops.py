"""The macros that go over a list, or over the keys of a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidegate.adapters.conditions import values
from tidegate.adapters.conditions.meter import (
    ERROR_STEPS,
    Evaluate,
    Run,
)
from tidegate.domain.errors import ConditionError, ConditionTooDear


@dataclass(frozen=True, slots=True)
class Each:
    """A loop's parts: `test` and `body` see an element in `slot`; `steps` is what both cost for one element."""

    over: Evaluate
    slot: int
    test: Evaluate
    body: Evaluate
    steps: int

    def elements(self, run: Run) -> Any:
        """The elements of the list, or the keys of the map."""
        over = self.over(run)
        if not values.is_map(over) and not values.is_list(over):
            raise values.no_overload("a loop", over)
        return over

    def holds(self, run: Run, element: Any) -> bool:
        """Whether the test holds for an element."""
        run.spend(self.steps)
        run.values[self.slot] = element
        return values.truth(self.test(run), "a loop's test")


def _any_or_all(each: Each, decisive: bool) -> Evaluate:
    def evaluate(run: Run) -> bool:
        failed: ConditionError | None = None
        for element in each.elements(run):
            try:
                if each.holds(run, element) is decisive:
                    return decisive
            except ConditionTooDear:
                raise
            except ConditionError as error:
                failed = failed or error
                run.spend(ERROR_STEPS)
        if failed is not None:
            raise failed
        return not decisive

    return evaluate


def _exists_one(each: Each) -> Evaluate:
    return lambda run: sum(each.holds(run, element) for element in each.elements(run)) == 1


def _filter(each: Each) -> Evaluate:
    return lambda run: [element for element in each.elements(run) if each.holds(run, element)]


def _map(each: Each) -> Evaluate:
    return lambda run: [each.body(run) for element in each.elements(run) if each.holds(run, element)]


LOOPS: dict[str, Callable[[Each], Evaluate]] = {
    "all": lambda each: _any_or_all(each, False),
    "exists": lambda each: _any_or_all(each, True),
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
}
