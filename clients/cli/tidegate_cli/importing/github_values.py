"""GitHub's expressions: their values at the import, and the conditions of jobs over the ends of other jobs.

Source of the rules: the GitHub Actions documentation, "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tidegate_cli.importing.conditions import (
    ALWAYS,
    UNKNOWN,
    All,
    AnyOf,
    Constant,
    Ended,
    Expression,
    Test,
    every,
    negation,
    some,
)
from tidegate_cli.importing.expressions import (
    Call,
    Index,
    NotUnderstood,
    Operation,
    Text,
    Tree,
    Word,
    parse,
)
from tidegate_cli.importing.replacing import replaced_between

_NEEDED = re.compile(r"needs\.(?P<job>[\w-]+)\.(?P<part>result|outputs\.(?P<output>[\w-]+))")
_STATUS_FUNCTIONS = ("success", "failure", "always", "cancelled")
Scalar = str | float | bool | None


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known at the import."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class JobEnds:
    """The ends of a job of the source as expressions over jobs. `key` is its job if it became one alone."""

    ok: Expression
    failed: Expression
    cancelled: Expression
    skipped: Expression
    keys: tuple[str, ...]
    key: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use.

    `values` has contexts by their whole path, in small letters. `status` has the functions that ask how jobs ended, and
    `needs` the jobs themselves. `told` is called for each output of a job that a condition reads.
    """

    values: Mapping[str, str]
    status: Mapping[str, Expression] = field(default_factory=dict)
    needs: Mapping[str, JobEnds] = field(default_factory=dict)
    told: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Output:
    """The output of a job, which is known once the job has ended."""

    job: JobEnds
    name: str


@dataclass(frozen=True, slots=True)
class _ResultOf:
    """The result of a job: success, failure, cancelled or skipped."""

    job: JobEnds


_Value = Known | _Output | _ResultOf | Constant | Ended | Test | All | AnyOf


def condition_of(text: str, scope: Scope) -> tuple[Expression, bool]:
    """Returns a condition as an expression over jobs, and whether it names a function that asks how jobs ended.

    Raises NotUnderstood.
    """
    stripped = text.strip()
    is_whole = stripped.startswith("${{") and stripped.endswith("}}") and stripped.count("${{") == 1
    tree = parse(stripped[3:-2] if is_whole else stripped)
    return _truth(_value(tree, scope), scope), _asks_status(tree)


def inserted(text: str, scope: Scope, unknown: Callable[[str], str]) -> str:
    """Returns a text with the values of its expressions. `unknown` gives the text for one without a known value."""

    def value(inside: str) -> str:
        source = f"${{{{{inside}}}}}"
        try:
            found = _value(parse(inside), scope)
        except NotUnderstood:
            return unknown(source)
        return _shown(found.value) if isinstance(found, Known) else unknown(source)

    return replaced_between(text, "${{", "}}", value)


def _asks_status(tree: Tree) -> bool:
    if isinstance(tree, Call):
        return tree.name.lower() in _STATUS_FUNCTIONS or any(map(_asks_status, tree.arguments))
    return isinstance(tree, Operation) and any(map(_asks_status, tree.operands))


def _value(tree: Tree, scope: Scope) -> _Value:
    if isinstance(tree, Text):
        return Known(tree.text)
    if isinstance(tree, Word):
        return _word(tree.text, scope)
    if isinstance(tree, Index):
        path = _path(tree)
        return UNKNOWN if path is None else _word(path, scope)
    if isinstance(tree, Call):
        return _call(tree, scope)
    if isinstance(tree, Operation):
        return _operation(tree, scope)
    return UNKNOWN


def _path(tree: Index) -> str | None:
    of = tree.of.text if isinstance(tree.of, Word) else _path(tree.of) if isinstance(tree.of, Index) else None
    at = tree.at.text if isinstance(tree.at, Word | Text) else None
    return None if of is None or at is None else f"{of}.{at}{tree.rest}"


def _word(text: str, scope: Scope) -> _Value:
    lowered = text.lower()
    if lowered in ("true", "false", "null"):
        return Known({"true": True, "false": False, "null": None}[lowered])
    try:
        return Known(float(int(text, 0)) if lowered.startswith("0x") else float(text))
    except ValueError:
        pass
    if lowered in scope.values:
        return Known(scope.values[lowered])
    match = _NEEDED.fullmatch(text)
    job = None if match is None else scope.needs.get(match["job"])
    if match is None or job is None:
        return UNKNOWN
    return _ResultOf(job) if match["output"] is None else _Output(job, match["output"])


def _call(tree: Call, scope: Scope) -> _Value:
    name = tree.name.lower()
    if name in _STATUS_FUNCTIONS:
        return scope.status.get(name, UNKNOWN)
    found = [_value(each, scope) for each in tree.arguments]
    known = [each.value for each in found if isinstance(each, Known)]
    if len(known) != len(found):
        return UNKNOWN
    texts = [_shown(each) for each in known]
    if name in ("contains", "startswith", "endswith") and len(texts) == 2:
        one, other = (each.lower() for each in texts)
        tests = {
            "contains": other in one,
            "startswith": one.startswith(other),
            "endswith": one.endswith(other),
        }
        return Known(tests[name])
    if name == "format" and texts:
        return Known(re.sub(r"\{(\d{1,3})\}", lambda match: _argument(texts, match), texts[0]))
    return UNKNOWN


def _argument(texts: list[str], match: re.Match[str]) -> str:
    at = int(match[1]) + 1
    return texts[at] if at < len(texts) else match[0]


def _operation(tree: Operation, scope: Scope) -> _Value:
    if tree.operator == "!":
        return negation(_truth(_value(tree.operands[0], scope), scope))
    if tree.operator in ("&&", "||"):
        values = [_value(each, scope) for each in tree.operands]
        if all(isinstance(each, Known) for each in values):
            return _first(tree.operator, [each for each in values if isinstance(each, Known)])
        truths = [_truth(each, scope) for each in values]
        return every(truths) if tree.operator == "&&" else some(truths)
    left, right = (_value(each, scope) for each in tree.operands)
    if isinstance(right, _ResultOf | _Output):
        left, right = right, left
    if isinstance(left, _ResultOf) and isinstance(right, Known) and tree.operator in ("==", "!="):
        found = _ended(left.job, right.value)
        return found if tree.operator == "==" else negation(found)
    if isinstance(left, _Output) and isinstance(right, Known) and tree.operator in ("==", "!="):
        found = _output(left, f"== {json.dumps(_shown(right.value), ensure_ascii=False)}", scope)
        return found if tree.operator == "==" else negation(found)
    if isinstance(left, Known) and isinstance(right, Known):
        return _compared(left.value, tree.operator, right.value)
    return UNKNOWN


def _first(operator: str, values: list[Known]) -> Known:
    """Returns the value of `a && b` or `a || b`, which is one of the two, not their truth."""
    for value in values[:-1]:
        if _is_true(value.value) is (operator == "||"):
            return value
    return values[-1]


def _ended(job: JobEnds, wanted: Scalar) -> Expression:
    known = {"success": job.ok, "failure": job.failed, "cancelled": job.cancelled, "skipped": job.skipped}
    return known.get(_shown(wanted).lower(), Constant(False))


def _output(output: _Output, comparison: str, scope: Scope) -> Expression:
    if output.job.key is None:
        return UNKNOWN
    scope.told(output.name)
    name = json.dumps(output.name)
    guard = f"type(upstream.result) == map && {name} in upstream.result"
    return Test(output.job.key, f"{guard} && upstream.result[{name}] {comparison}")


def _truth(value: _Value, scope: Scope) -> Expression:
    if isinstance(value, Known):
        return Constant(_is_true(value.value))
    if isinstance(value, _ResultOf):
        return ALWAYS  # a result is a text that is not empty
    if isinstance(value, _Output):
        return _output(value, '!= ""', scope)
    return value


def _is_true(value: Scalar) -> bool:
    return value not in (False, 0, None, "")


def _compared(left: Scalar, sign: str, right: Scalar) -> Known | Constant:
    if isinstance(left, str) and isinstance(right, str) and sign in ("==", "!="):
        return Known((left.lower() == right.lower()) is (sign == "=="))
    one, other = _number(left), _number(right)
    if sign in ("==", "!="):
        equal = one is not None and one == other
        return Known(equal is (sign == "=="))
    if one is None or other is None:
        return Known(False)
    known = {"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}
    return Known(known[sign]) if sign in known else UNKNOWN


def _number(value: Scalar) -> float | None:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except ValueError:
        return None


def _shown(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return "" if value is None else str(value)
