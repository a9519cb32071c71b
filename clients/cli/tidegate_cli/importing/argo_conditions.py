"""The logic of Argo: results of tasks, `depends`, and `when`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tidegate_cli.importing.conditions import (
    ALWAYS,
    NEVER,
    UNKNOWN,
    Constant,
    Expression,
    Test,
    every,
    negation,
    some,
)
from tidegate_cli.importing.expressions import (
    NotUnderstood,
    Operation,
    Reference,
    Text,
    Tree,
    Word,
    parse,
)
from tidegate_cli.importing.lined import Lined
from tidegate_cli.importing.model import Effect, Notes
from tidegate_cli.importing.replacing import replaced_between

_RESULT = re.compile(
    r"(?:tasks|steps)\.(?P<name>[\w-]+)\.(?P<part>outputs\.result|outputs\.parameters\.[\w-]+|status)"
)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Result:
    """The ends of a task as expressions over jobs.

    `ends` are the jobs after which the task has ended, and `key` is its job if it has one alone. `followed` are the
    jobs of its graph that another task waits for.
    """

    ok: Expression
    failed: Expression
    skipped: Expression
    omitted: Expression
    ends: tuple[str, ...]
    key: str | None
    any_ok: Expression | None = None
    all_failed: Expression | None = None
    forgives_failure: bool = False
    followed: frozenset[str] = frozenset()


def statically_skipped(needs: Expression) -> Result:
    """Returns the result of a task whose condition is false already at the import. It is skipped where it is needed."""
    return Result(NEVER, NEVER, needs, negation(needs), (), None)


def passes(result: Result) -> Expression:
    """Returns the condition of a task that names another one without a result: it succeeded or was skipped."""
    parts = [result.ok, result.skipped]
    if result.forgives_failure:
        parts.append(result.failed)
    return some(parts)


def names_in(text: str) -> tuple[str, ...]:
    """Returns the tasks that `depends` names, in order. Raises NotUnderstood."""
    if not text.strip():
        return ()
    found: dict[str, None] = {}
    left = [parse(text)]
    while left:
        tree = left.pop()
        if isinstance(tree, Operation) and tree.operator in ("&&", "||", "!"):
            left.extend(reversed(tree.operands))
        elif isinstance(tree, Word):
            found[_split(tree.text)[0]] = None
        else:
            raise NotUnderstood("holds more than names, &&, || and !")
    return tuple(found)


def _split(word: str) -> tuple[str, str]:
    name, dot, result = word.rpartition(".")
    return (name, result) if dot else (word, "")


def depends_of(text: str, results: Mapping[str, Result], notes: Notes, at: Lined) -> Expression:
    """Returns `depends` as an expression over jobs. Raises NotUnderstood."""

    def leaf(tree: Tree) -> Expression:
        name, wanted = _split(tree.text) if isinstance(tree, Word) else ("", "")
        result = results[name]
        if wanted == "Daemoned":
            notes.add(
                at.line, text, Effect.CHANGED, "tidegate has no daemons; the part is false", "check the jobs"
            )
            return NEVER
        if wanted == "Errored":
            notes.add(
                at.line,
                text,
                Effect.CHANGED,
                "tidegate tells no error from a failure; .Failed holds for both",
                "check what the job is for",
            )
            return NEVER
        known: dict[str, Callable[[], Expression]] = {
            "": lambda: passes(result),
            "Succeeded": lambda: result.ok,
            "Failed": lambda: result.failed,
            "Skipped": lambda: result.skipped,
            "Omitted": lambda: result.omitted,
            "AnySucceeded": lambda: result.ok if result.any_ok is None else result.any_ok,
            "AllFailed": lambda: result.failed if result.all_failed is None else result.all_failed,
        }
        if wanted in known:
            return known[wanted]()
        notes.add(
            at.line, text, Effect.LEFT_OUT, f"{wanted!r} is no result of a task; it is false", "correct it"
        )
        return NEVER

    return _logic(parse(text), leaf)


def when_of(
    when: Lined | None, values: Mapping[str, str], results: Mapping[str, Result], notes: Notes
) -> Expression:
    """Returns `when` as an expression over jobs. Comparisons with the output of a task read the job's result."""
    if when is None or when.text() is None:
        return ALWAYS
    source = str(when.text())

    def value(inside: str) -> str:
        known = values.get(inside.strip())
        return f"{{{{{inside}}}}}" if known is None else json.dumps(known)

    text = replaced_between(source, "{{", "}}", value)
    text = text.replace("'\"", '"').replace("\"'", '"')  # a variable that was quoted already

    def leaf(tree: Tree) -> Expression:
        if isinstance(tree, Operation):
            return _comparison(tree, results, notes, when)
        value = _static(tree)
        return Constant({"true": True, "false": False}.get((value or "").lower()))

    try:
        found = _logic(parse(text), leaf)
    except NotUnderstood as error:
        notes.add(when.line, f"when: {source}", Effect.LEFT_OUT, f"the condition {error}", "write it by hand")
        return UNKNOWN
    return found


def _logic(tree: Tree, leaf: Callable[[Tree], Expression]) -> Expression:
    if isinstance(tree, Operation):
        if tree.operator == "&&":
            return every([_logic(each, leaf) for each in tree.operands])
        if tree.operator == "||":
            return some([_logic(each, leaf) for each in tree.operands])
        if tree.operator == "!":
            return negation(_logic(tree.operands[0], leaf))
    return leaf(tree)


def _static(tree: Tree) -> str | None:
    return tree.text if isinstance(tree, Word | Text) else None


def _comparison(tree: Operation, results: Mapping[str, Result], notes: Notes, at: Lined) -> Expression:
    left, right = tree.operands
    sign = tree.operator
    if isinstance(right, Reference) and not isinstance(left, Reference):
        left, right = right, left
        sign = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(sign, sign)
    wanted = _static(right)
    if isinstance(left, Reference) and wanted is not None:
        match = _RESULT.fullmatch(left.text)
        result = None if match is None else results.get(match["name"])
        if match is not None and result is not None:
            return _of_result(match["part"], result, sign, wanted, notes, at)
    own = _static(left)
    if own is None or wanted is None:
        return UNKNOWN
    return _static_comparison(own, sign, wanted)


def _static_comparison(left: str, sign: str, right: str) -> Expression:
    if sign in ("==", "!="):
        return Constant((left == right) is (sign == "=="))
    if not (_NUMBER.fullmatch(left) and _NUMBER.fullmatch(right)):
        return UNKNOWN
    one, other = float(left), float(right)
    known = {"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}
    return Constant(known.get(sign))


def _of_result(part: str, result: Result, sign: str, wanted: str, notes: Notes, at: Lined) -> Expression:
    if part == "status" and sign in ("==", "!="):
        known = {"Succeeded": result.ok, "Failed": result.failed, "Skipped": result.skipped}
        found = known.get(wanted, UNKNOWN)
        return found if sign == "==" else negation(found)
    if result.key is None or sign in ("=~", "!~"):
        return UNKNOWN
    place = "upstream.result"
    guard = ""
    if part.startswith("outputs.parameters."):
        name = part.removeprefix("outputs.parameters.")
        place = f"upstream.result[{json.dumps(name)}]"
        guard = f"type(upstream.result) == map && {json.dumps(name)} in upstream.result && "
    notes.add(
        at.line,
        f"when: {at.text()}",
        Effect.CHANGED,
        "the output of a job is its result: the last line that its command prints, as JSON",
        'let the command print such a line, for example "heads" with its quotation marks',
    )
    text = json.dumps(wanted, ensure_ascii=False)
    equal = "==" if sign == "!=" else sign
    terms = []
    if _NUMBER.fullmatch(wanted):
        number = f"type({place}) in [int, double] && double({place}) {equal} double({wanted})"
        terms.append(f"({number})")
    if equal == "==":
        terms.append(f"{place} == {text}")
    if not terms:
        return UNKNOWN
    cel = " || ".join(terms)
    test = Test(result.key, f"{guard}({cel})" if guard and len(terms) > 1 else f"{guard}{cel}")
    return negation(test) if sign == "!=" else test
