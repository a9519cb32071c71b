"""Conditions: what they may say, and that whatever goes wrong is a ConditionError."""

from __future__ import annotations

import pytest

from tidegate.adapters.cel_conditions import CelConditions
from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Json

UPSTREAM: dict[str, Json] = {
    "status": "SUCCEEDED",
    "result": {"rows": 3, "share": 0.25, "names": ["a", "b"], "nothing": None, "text": "it's .map(x, y)"},
    "duration_seconds": 1.5,
    "attempts": 2,
    "error": None,
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("upstream.status == 'SUCCEEDED'", True),
        ("upstream.result.rows > 0", True),
        ("upstream.result.rows > 3.5", False),
        ("upstream.duration_seconds > 1 && upstream.attempts == 2", True),
        ("upstream.result.share < 1", True),
        ("upstream.error == null", True),
        ("has(upstream.result.missing)", False),
        ("!has(upstream.result.missing) || upstream.result.missing > 1", True),
        ("'a' in upstream.result.names", True),
        ("upstream.result.names.exists(name, name == 'b')", True),
        (
            "upstream.result.names.filter(n, n != 'a').size() == 1 && upstream.result.names.all(n, n != '')",
            True,
        ),
        ("upstream.result.names.map(n, n + 'x')[0] == 'ax'", True),
        ("upstream.result.text.matches('^it')", True),
        ("upstream.result.text == 'it\\'s .map(x, y)'", True),
        ("true // .map(x, [1].map(y, y))", True),
    ],
)
def test_a_condition_has_its_value(expression: str, value: bool) -> None:
    conditions = CelConditions()
    conditions.check(expression)
    assert conditions.evaluate(expression, UPSTREAM) is value


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "does not compile"),
        ("upstream.result.rows >", "does not compile"),
        ("'unclosed", "does not compile"),
        ("(" * 900, "does not compile"),
        ("\x00", "does not compile"),
        ("result.rows > 0", "unknown name 'result'"),
        ("upstream.status == SUCCEEDED", "unknown name 'SUCCEEDED'"),
        ("upstream.result.names.exists(n, n == other)", "unknown name 'other'"),
        ("upstream.result.names.all(a, upstream.result.names.exists(b, a == b))", "inside another"),
        ("upstream.result.names .map ( a, [1].map(b, b)).size() > 0", "inside another"),
        ("upstream.result.names.all(a, ')' == a || [1].all(b, b == 1))", "inside another"),
        ("upstream.result.names.all(a, r'\\' == a || [1].all(b, b == 1) || 'x' == '')", "inside another"),
        ("['x']" + ".map(a, a + a)" * 60 + "[0] == ''", "beyond all memory"),
        ("upstream.result.text" + " + upstream.result.text" * 21 + " == ''", "beyond all memory"),
        ("upstream.result.names.all(a, // '\n [1].all(b, b == 1)) // '", "inside another"),
    ],
)
def test_a_condition_that_cannot_be_is_refused_at_once(expression: str, says: str) -> None:
    conditions = CelConditions()
    with pytest.raises(ConditionError, match=says):
        conditions.check(expression)
    with pytest.raises(ConditionError, match=says):
        conditions.evaluate(expression, UPSTREAM)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("upstream.result.missing > 0", "no field 'missing'"),
        ("upstream.missing", "no field 'missing'"),
        ("upstream.error.code == 'x'", "overload"),
        ("upstream.result.rows", "int, not a boolean"),
        ("upstream.result.text", "str, not a boolean"),
        ("upstream.result.nothing", "NoneType, not a boolean"),
        ("upstream.result.rows / 0 > 1", "division by zero"),
        ("9223372036854775807 + upstream.attempts > 0", "overflow"),
        ("upstream.result.names[7] == 'a'", "out of bounds"),
        ("'a' + 1 == 'a1'", "Unsupported operation"),
        ("upstream.result.text.matches('(')", "regex"),
        ("nofunction(upstream)", "nofunction"),
    ],
)
def test_whatever_fails_is_a_condition_error(expression: str, says: str) -> None:
    conditions = CelConditions()
    conditions.check(expression)
    with pytest.raises(ConditionError, match=says):
        conditions.evaluate(expression, UPSTREAM)


def test_numbers_beyond_64_bits_do_not_break_out() -> None:
    conditions = CelConditions()
    upstream: dict[str, Json] = {**UPSTREAM, "result": {"big": 2**70, "deep": [[[[1]]]]}}
    assert conditions.evaluate("upstream.result.deep.size() == 1", upstream) is True
    assert conditions.evaluate("upstream.result.big > 1", upstream) is True
