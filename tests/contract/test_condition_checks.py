"""A condition that fails for every upstream is refused before a job waits for it."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from tests.contract.test_cel_conformity import RESULTS
from tests.harness.attack.condition_search import expression_of, view_of
from tidegate.adapters.conditions.cel import CelConditions
from tidegate.adapters.conditions.evaluator import Program, build
from tidegate.adapters.conditions.parser import parse
from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Json

EXPRESSIONS = 1_500


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("upstream.stauts == 'SUCCEEDED'", "unknown field 'stauts' of upstream; .*did you mean 'status'"),
        ("upstream.Status == 'SUCCEEDED'", "did you mean 'status'"),
        ("upstream['stauts'] == 'SUCCEEDED'", "unknown field 'stauts'"),
        ("has(upstream.stauts)", "unknown field 'stauts'"),
        ("!has(upstream.reslt.rows)", "did you mean 'result'"),
        ("upstream.error.cod == 'oom'", "unknown field 'cod' of upstream.error; .*did you mean 'code'"),
        ("'stauts' in upstream", "unknown field 'stauts'"),
        ("upstream.status == 'SUCCEEDED' || upstream.attempt > 1", "did you mean 'attempts'"),
        ("true ? upstream.atempts > 1 : false", "did you mean 'attempts'"),
        ("[1].all(n, upstream.stauts == 'FAILED')", "unknown field"),
        ("upstream.status.name == 'x'", "which is string"),
        ("upstream.attempts[0] == 1", r"which is int, where \[\]"),
        ("upstrem.status == 'FAILED'", "unknown name 'upstrem'.*did you mean 'upstream'"),
        ("1+1", "is int, never a boolean"),
        ("upstream.status", "is string, never a boolean"),
        ("upstream.duration_seconds * 2.0", "is double, never"),
        ("'yes'", "is string, never"),
        ("null", "is null_type, never"),
        ("[true]", "is list, never"),
        ("upstream", "is map, never"),
        ("upstream.error", "is map or null_type, never"),
        ("upstream.result.names.map(n, n == 1)", "is list, never"),
        ("type(upstream.result)", "is type, never"),
        ("size(upstream.result)", "is int, never"),
        ("upstream.attempts == 1 ? 1 : 'x'", "is int or string, never"),
        ("upstream.attempts && true", "no overload of &&"),
        ("!upstream.status", "no overload of !"),
        ("-upstream.status == 1", "no overload of -"),
        ("upstream.status > 3", "no overload of >"),
        ("upstream.attempts * 0.5 > 1.0", r"no overload of \*"),
        ("upstream.status + 1 == 'x'", r"no overload of \+"),
        ("size(upstream.attempts) > 1", "no overload of size"),
        ("upstream.attempts.contains('1')", "no overload of contains"),
        ("upstream.attempts.matches('1')", "no overload of matches"),
        ("upstream.status.all(c, c == 'S')", "no overload of all"),
        ("upstream.attempts == '2'", "never equal"),
        ("upstream.status == null", "never equal"),
        ("upstream.status == 'SUCCEDED'", "which it never is; .*did you mean 'SUCCEEDED'"),
        ("upstream.status != 'failed'", "did you mean 'FAILED'"),
        ("upstream.status in ['FAILED', 'TIMEOUT']", "which it never is; .*did you mean 'TIMED_OUT'"),
        ("upstream.status == 'RUNNING'", "which it never is"),
        ("'a'.startswith('a')", "unknown function 'startswith'.*did you mean 'startsWith'"),
        ("upstream.status.contains('a', 'b')", "calls 'contains' with 2 arguments"),
        ("size() > 1", "calls 'size' with 0 arguments"),
        ("1 / 0 == 1", "division by zero"),
        ("{1: 2} == {}", "no overload"),
        ("int('x') == 1", "no whole number"),
    ],
)
def test_what_can_never_work_is_refused_at_once(expression: str, says: str) -> None:
    with pytest.raises(ConditionError, match=says):
        CelConditions().check(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "upstream.result",
        "upstream.result.ok",
        "upstream.result['ok'] && upstream.result[0]",
        "upstream.error == null || upstream.error.code == 'oom'",
        "upstream.code == 'branch-not-taken' && upstream.reason != ''",
        "upstream.attempts > 1.5 && upstream.duration_seconds < 60",
        "upstream.attempts == 2.0",
        "has(upstream.error) && has(upstream.result.rows)",
        "'status' in upstream && upstream.exists(name, name == 'status')",
        "upstream.result == null || upstream.result == 'x' || upstream.result == 3",
        "type(upstream.result) == list",
        "upstream.status in ['FAILED', 'TIMED_OUT']",
        "upstream.status in upstream.result.wanted",
        "upstream.status.startsWith('F')",
        "true",
        "upstream.result.missing > 1 ? upstream.result : true",
        "bool(upstream.result.flag)",
        "upstream[upstream.result.field] == 1",
    ],
)
def test_what_may_work_is_taken(expression: str) -> None:
    CelConditions().check(expression)


def test_what_is_refused_for_its_types_never_has_a_boolean_value() -> None:
    chance = random.Random(5)
    refused = taken = 0
    for _ in range(EXPRESSIONS):
        expression = expression_of([chance.random() for _ in range(120)])
        try:
            program = build(parse(expression), "upstream")
        except ConditionError:
            continue  # too long, or too many states
        refusal = _refusal(expression)
        if refusal is None:
            taken += 1
        elif any(part in expression for part in ("||", "&&", "?", ".all(", ".exists", ".filter(", ".map(")):
            continue  # another part decides it, or an empty list never evaluates it
        elif (
            "never" not in refusal or "never a boolean" in refusal
        ):  # otherwise it has a value, which is always false
            refused += 1
            for result in RESULTS:
                assert not _has_boolean(program, view_of(result)), (expression, refusal)
    assert min(refused, taken) > 10, (refused, taken)


def _has_boolean(program: Program, view: Mapping[str, Json]) -> bool:
    try:
        return isinstance(program.evaluate(view, max_steps=20_000), bool)
    except ConditionError:
        return False


def _refusal(expression: str) -> str | None:
    try:
        CelConditions().check(expression)
    except ConditionError as error:
        return str(error)
    return None
