"""Conditions: the language they allow, and that every failure is a ConditionError."""

from __future__ import annotations

import pytest

from tidegate.adapters.conditions.cel import CelConditions
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
        ("upstream.result.names.all(a, upstream.result.names.exists(b, a == b))", True),
        ("upstream.result.names.exists_one(n, n == 'a')", True),
        ("upstream.result.names.map(n, n != 'a', n + n) == ['bb']", True),
        ("upstream.result.exists(key, key == 'rows')", True),
        ("upstream.status in ['FAILED', 'TIMED_OUT']", False),
        ("upstream.error == null ? upstream.result.rows % 2 == 1 : upstream.error.code == 'oom'", True),
        ("upstream.result.missing > 1 || upstream.result.rows > 1", True),
        ("upstream.result.names.exists(n, n > 1 || n == 'b')", True),
        ("size(upstream.result.text) == 15 && size('h\u00e9') == 2", True),
        ("type(upstream.result.rows) == int && type(upstream.result.share) == double", True),
        ("double(upstream.result.rows) / 2.0 == 1.5 && -7 / 2 == -3 && -7 % 3 == -1", True),
        ("string(upstream.result.rows) + string(true) + string(2.0) == '3true2'", True),
        ("int('12') + int(2.9) + 0x10 == 30 && bool('true')", True),
        ("{'a': upstream.result.rows}['a'] == 3 && {'a': 1}.a == 1", True),
        (r"r'\d' == '\\d' && '\x41\101\u0041\U00000041' == 'AAAA'", True),
        ("'''a'b''' == \"a'b\" && r'''a\\b''' == 'a\\\\b'", True),
        (r"'2026-11-28'.matches('^\\d{4}-[0-9]{2}-[0-9]{2}$')", True),
        ("upstream.result.text.startsWith('it') && upstream.result.text.endsWith(')')", True),
        ("matches(upstream.result.text, '(?i)MAP') && upstream.result.text.contains('map')", True),
        (" && ".join(["upstream.attempts == 2"] * 40), True),
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
        ("[1].all(n, true) && n == 1", "unknown name 'n'"),
        ("nofunction(upstream)", "unknown function 'nofunction'"),
        ("upstream.result.text.trim() == ''", "unknown function 'trim'"),
        ("upstream.result.names.all(1, true)", "takes a name first"),
        ("has(upstream)", "takes a field"),
        ("upstream.result.text.matches('(')", "regular expression that does not compile: unclosed group"),
        ("upstream.result.text.matches(upstream.status)", "computed regular expression"),
        (r"upstream.result.text.matches('\\pL{60}')", "more than 2,000 states"),
        ("upstream.result.text.matches('((((a{9}){9}){9}){9})')", "more than 2,000 states"),
        ("upstream.result.text.matches('(?x)(a{99}) {99}')", "flag x"),
        (" || ".join([r"upstream.status.matches('\\w{9}')"] * 3), "2,000 states together"),
        ("9223372036854775808 > 0", "64 bits"),
        ("upstream.status == '\\ud800'", "no character"),
        ("1 + " * 70 + "1 == 71", "nested in each other"),
        ("-" * 70 + "1 == 1", "nested in each other"),
        ("1 ? " * 300 + "1", "does not compile"),
        ("1 + " * 7_500 + "1", "1,000 words"),
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
        ("'a' + 1 == 'a1'", "no overload of \\+ for string, int"),
        ("1 + 1.5 > 2.0", "no overload of \\+ for int, double"),
        ("'a' < 1", "no overload of <"),
        ("!upstream.result.rows", "no overload of !"),
        ("upstream.result.rows && true", "no overload of &&"),
        ("upstream.result.rows.all(x, x)", "no overload of a loop for int"),
        ("upstream.result.names.all(x, x)", "no overload of a loop's test for string"),
        ("upstream.result.rows.matches('a')", "no overload of matches"),
        ("size(upstream.result.rows) > 0", "no overload of size"),
        ("upstream.result.names['a'] == 1", "no overload of \\[\\]"),
        ("{1: 2} == {}", "no overload of {} for int"),
        ("[] in upstream.result", "no overload of in"),
        ("has(upstream.result.rows.x)", "no overload of has"),
        ("-'a' == 1", "no overload of -"),
        ("int('1e3') > 0", "no whole number"),
        ("int('9' + '" + "9" * 80 + "') > 0", "no whole number"),
        ("double('nan') > 0.0", "no number"),
        ("int(1e30) > 0", "overflow"),
        ("string([]) == ''", "no overload of string"),
        ("bool('yes')", "takes a bool"),
        ("upstream.result.names.all(n, upstream.result.names[9] == n)", "out of bounds"),
    ],
)
def test_whatever_fails_is_a_condition_error(expression: str, says: str) -> None:
    conditions = CelConditions()
    with pytest.raises(ConditionError, match=says):
        conditions.evaluate(expression, UPSTREAM)


def test_numbers_beyond_64_bits_do_not_break_out() -> None:
    conditions = CelConditions()
    upstream: dict[str, Json] = {**UPSTREAM, "result": {"big": 2**70, "deep": [[[[1]]]]}}
    assert conditions.evaluate("upstream.result.deep.size() == 1", upstream) is True
    assert conditions.evaluate("upstream.result.big > 1", upstream) is True
    for expression in ("upstream.result.big + 1 > 1", "string(upstream.result.big) == ''"):
        with pytest.raises(ConditionError, match="overflow"):
            conditions.evaluate(expression, upstream)
