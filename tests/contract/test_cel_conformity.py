"""Conditions have the same meaning in another implementation of CEL, as far as both support an expression."""

from __future__ import annotations

import random

import cel
import pytest

from tests.harness.attack.condition_search import expression_of, view_of
from tidegate.adapters.conditions.evaluator import build
from tidegate.adapters.conditions.parser import parse
from tidegate.domain.errors import ConditionError, ConditionTooDear
from tidegate.domain.job import Json

EXPRESSIONS = 1_000
MAX_STEPS = 20_000  # lists are short here, and the other implementation has no limit
ERROR = "an error"
RESULTS: list[Json] = [
    {"a": [1, 2, 7], "b": [1, 2, 7], "s": "7"},
    {"a": ["x", "ab"], "b": ["x"], "s": "ab"},
    {"a": {"k": 1, "v0": None}, "b": {}, "s": "k"},
    {"a": [{"k": 1}, {"k": 2.0}], "b": [0.5, True, None], "s": "0.5"},
    {"a": [], "b": [[]], "s": ""},
    {"a": "x", "b": 0.5, "s": 7},
]


def _differs_by_intention(expression: str, mine: object, other: object) -> bool:
    """Says whether the other implementation departs from CEL's specification.

    It takes `!!x` for x whatever x is, joins a list with a map, and lets an element that fails make a loop fail even if
    another element decides the loop.
    """
    if other == ERROR:
        return ".all(" in expression or ".exists(" in expression
    return "!!" in expression or (mine == ERROR and " + " in expression)


@pytest.mark.parametrize("seed", [1, 2])
def test_drawn_expressions_have_the_same_value(seed: int) -> None:
    chance = random.Random(seed)
    values = errors = different = 0
    for _ in range(EXPRESSIONS):
        expression = expression_of([chance.random() for _ in range(120)])
        view = view_of(chance.choice(RESULTS))
        try:
            program = build(parse(expression), "upstream")
        except ConditionError:
            continue  # too long, or too many states
        try:
            mine = program.evaluate(view, max_steps=MAX_STEPS)
        except ConditionTooDear:
            continue
        except ConditionError:
            mine = ERROR
        try:
            other = cel.evaluate(expression, {"upstream": dict(view)})
        except Exception:  # noqa: BLE001 - every exception counts as its error
            other = ERROR
        same = mine == other
        assert same or _differs_by_intention(expression, mine, other), (expression, view["result"], mine)
        different += not same
        errors += mine == ERROR
        values += mine != ERROR
    assert different < EXPRESSIONS // 50
    assert min(values, errors) > EXPRESSIONS // 5
