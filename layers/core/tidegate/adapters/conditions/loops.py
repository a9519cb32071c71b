"""The macros that loop over a list or over the keys of a map: all, exists, exists_one, filter and map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidegate.adapters.conditions import values
from tidegate.adapters.conditions.meter import ERROR_STEPS, Evaluate, Run
from tidegate.domain.errors import ConditionError, ConditionTooDear


@dataclass(frozen=True, slots=True)
class Each:
    """The parts of a loop.

    `test` and `body` read the current element from the slot `slot` of the run's values; `steps` is the cost of both
    for one element.
    """

    over: Evaluate
    slot: int
    test: Evaluate
    body: Evaluate
    steps: int

    def elements(self, run: Run) -> Any:
        """Returns the elements of the list, or the keys of the map; raises ConditionError for other values."""
        over = self.over(run)
        if not values.is_map(over) and not values.is_list(over):
            raise values.no_overload("a loop", over)
        return over

    def holds(self, run: Run, element: Any) -> bool:
        """Returns True if the test holds for an element."""
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
