"""Finds the faults of an expression that do not depend on the data: unknown fields, and types that never fit.

The check computes for each part of the tree the types that its value may have. It refuses a part if no combination of
these types is allowed there. Data of unknown shape may have any type, so it is never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tidegate.adapters.conditions import syntax
from tidegate.adapters.conditions.values import KINDS, kind_of
from tidegate.domain.errors import ConditionError
from tidegate.domain.suggestions import did_you_mean

_NUMBERS = frozenset({"int", "double"})
_SHOWN_CHARACTERS = 60
_SUMS = (("int", "int"), ("double", "double"))
_ARITHMETIC: Mapping[str, tuple[tuple[str, str], ...]] = {
    "+": (*_SUMS, ("string", "string"), ("list", "list")),
    "-": _SUMS,
    "*": _SUMS,
    "/": _SUMS,
    "%": (("int", "int"),),
}
_TAKEN: Mapping[str, frozenset[str]] = {
    "size": frozenset({"string", "list", "map"}),
    "int": frozenset({"int", "double", "string"}),
    "double": frozenset({"int", "double", "string"}),
    "string": frozenset({"string", "bool", "int", "double"}),
    "bool": frozenset({"bool", "string"}),
    "type": frozenset(KINDS),
}
_GIVEN: Mapping[str, str] = {"size": "int", "type": "type"}
_TEXT_FUNCTIONS = ("contains", "startsWith", "endsWith")


@dataclass(frozen=True, slots=True)
class Shape:
    """All that is known of a value: its possible types, the fields of a map, and the possible texts.

    `fields` is None if a map may have any field; `texts` is None if a text may be any.
    """

    kinds: frozenset[str]
    fields: Mapping[str, Shape] | None = None
    texts: frozenset[str] | None = None

    @classmethod
    def of(cls, *kinds: str) -> Shape:
        """Returns the shape of a value that has one of these types."""
        return cls(frozenset(kinds))

    def __str__(self) -> str:
        return " or ".join(sorted(self.kinds))


ANY = Shape(frozenset(KINDS))
_BOOL = Shape.of("bool")
_Scope: TypeAlias = Mapping[str, Shape]


def check_types(tree: syntax.Node, scope: Mapping[str, Shape]) -> None:
    """Raises ConditionError if the expression can never have a boolean value.

    `scope` gives the shape of each variable; the check considers all data of these shapes.
    """
    found = _shape(tree, scope)
    if "bool" not in found.kinds:
        raise ConditionError(f"is {found}, never a boolean; compare it with something")


def _shape(node: syntax.Node, scope: _Scope) -> Shape:
    match node:
        case syntax.Literal(value):
            texts = frozenset({value}) if isinstance(value, str) else None
            return Shape(frozenset({kind_of(value).name}), texts=texts)
        case syntax.Name(name):
            return scope.get(name, Shape.of("type"))
        case syntax.Field(of, name):
            return _member(_shape(of, scope), name, of)
        case syntax.Has(of, name):
            _member(_shape(of, scope), name, of)
            return _BOOL
        case syntax.Index(of, key):
            return _element(_shape(of, scope), _shape(key, scope), node)
        case syntax.ListOf(items):
            for item in items:
                _shape(item, scope)
            return Shape.of("list")
        case syntax.MapOf(entries):
            for key, held in entries:
                _require(_shape(key, scope), frozenset({"string"}), key, "a map's key")
                _shape(held, scope)
            return Shape.of("map")
        case syntax.Loop():
            return _loop(node, scope)
        case _:
            return _operation(node, scope)


def _operation(node: syntax.Node, scope: _Scope) -> Shape:
    match node:
        case syntax.Unary(operator, operand):
            wanted = frozenset({"bool"}) if operator == "!" else _NUMBERS
            found = _require(_shape(operand, scope), wanted, operand, operator)
            return Shape(found.kinds & wanted)
        case syntax.Logic(operator, operands):
            for operand in operands:
                _require(_shape(operand, scope), frozenset({"bool"}), operand, operator)
            return _BOOL
        case syntax.Choice(test, yes, no):
            _require(_shape(test, scope), frozenset({"bool"}), test, "?:")
            return Shape(_shape(yes, scope).kinds | _shape(no, scope).kinds)
        case syntax.Matches(text, _):
            _require(_shape(text, scope), frozenset({"string"}), text, "matches")
            return _BOOL
        case syntax.Call(function, arguments):
            return _call(function, arguments, scope)
        case syntax.Binary(_, left, right):
            return _binary(node, _shape(left, scope), _shape(right, scope), scope)
        case _:
            raise AssertionError(node)


def _member(of: Shape, name: str, holder: syntax.Node) -> Shape:
    _require(of, frozenset({"map"}), holder, f".{name[:_SHOWN_CHARACTERS]}")
    if of.fields is None:
        return ANY
    if name not in of.fields:
        raise ConditionError(
            f"uses the unknown field {name[:_SHOWN_CHARACTERS]!r} of {_text(holder)}; "
            f"there are {', '.join(of.fields)}{did_you_mean(name, of.fields)}"
        )
    return of.fields[name]


def _element(of: Shape, key: Shape, node: syntax.Index) -> Shape:
    _require(of, frozenset({"map", "list"}), node.of, "[]")
    taken = {"string"} if "map" in of.kinds else set()
    taken |= {"int"} if "list" in of.kinds else set()
    _require(key, frozenset(taken), node.key, f"{_text(node.of)}[]")
    if of.fields is not None and isinstance(node.key, syntax.Literal) and isinstance(node.key.value, str):
        return _member(of, node.key.value, node.of)
    return ANY


def _loop(node: syntax.Loop, scope: _Scope) -> Shape:
    over = _require(_shape(node.over, scope), frozenset({"map", "list"}), node.over, node.kind)
    each = ANY if "list" in over.kinds else Shape.of("string")
    inner = {**scope, node.variable: each}
    if node.test is not None:
        _require(_shape(node.test, inner), frozenset({"bool"}), node.test, f"the test of {node.kind}")
    if node.body is not None:
        _shape(node.body, inner)
    return Shape.of("list") if node.kind in ("filter", "map") else _BOOL


def _call(function: str, arguments: tuple[syntax.Node, ...], scope: _Scope) -> Shape:
    wanted = frozenset({"string"}) if function in _TEXT_FUNCTIONS else _TAKEN[function]
    for argument in arguments:
        _require(_shape(argument, scope), wanted, argument, function)
    return _BOOL if function in _TEXT_FUNCTIONS else Shape.of(_GIVEN.get(function, function))


def _binary(node: syntax.Binary, left: Shape, right: Shape, scope: _Scope) -> Shape:
    operator = node.operator
    if operator in ("==", "!="):
        if not _comparable(left, right):
            raise ConditionError(
                f"compares {_text(node.left)}, which is {left}, with {_text(node.right)}, which is {right}; "
                "they are never equal"
            )
        _require_possible(left, right, node.left)
        _require_possible(right, left, node.right)
        return _BOOL
    if operator == "in":
        _in(node, left, right, scope)
        return _BOOL
    if operator in ("<", "<=", ">", ">="):
        pairs = [(kind, kind) for kind in ("string", "bool")]
        pairs += [(one, other) for one in _NUMBERS for other in _NUMBERS]
    else:
        pairs = list(_ARITHMETIC[operator])
    fitting = [one for one, other in pairs if one in left.kinds and other in right.kinds]
    if not fitting:
        raise ConditionError(
            f"has {_text(node.left)} {operator} {_text(node.right)}, for which there is no overload of "
            f"{operator}: they are {left} and {right}"
        )
    return Shape(frozenset(fitting)) if operator in _ARITHMETIC else _BOOL


def _in(node: syntax.Binary, left: Shape, right: Shape, scope: _Scope) -> None:
    _require(right, frozenset({"list", "map"}), node.right, "in")
    if right.fields is not None and left.texts is not None:
        for text in left.texts:
            _member(right, text, node.right)
    if isinstance(node.right, syntax.ListOf):
        for item in node.right.items:
            _require_possible(left, _shape(item, scope), node.left)


def _comparable(left: Shape, right: Shape) -> bool:
    both_numbers = bool(left.kinds & _NUMBERS) and bool(right.kinds & _NUMBERS)
    return both_numbers or bool(left.kinds & right.kinds)


def _require_possible(value: Shape, other: Shape, node: syntax.Node) -> None:
    """Raises ConditionError if a text with a few possible values is compared with a constant that is none of them."""
    if value.texts is None or other.texts is None or value.texts & other.texts:
        return
    if len(value.texts) > 1:
        wrong = min(other.texts)
        raise ConditionError(
            f"compares {_text(node)} with {wrong[:_SHOWN_CHARACTERS]!r}, which it never is; "
            f"it is one of {', '.join(sorted(value.texts))}{did_you_mean(wrong, value.texts)}"
        )


def _require(found: Shape, wanted: frozenset[str], node: syntax.Node, where: str) -> Shape:
    if not found.kinds & wanted:
        raise ConditionError(
            f"has {_text(node)}, which is {found}, where {where} takes {' or '.join(sorted(wanted))}: "
            f"there is no overload of {where} for it"
        )
    return found


def _text(node: syntax.Node) -> str:
    """Returns a text of the part for a message: names, fields and constants as written, for others "a part of it"."""
    if isinstance(node, syntax.Name):
        return node.name[:_SHOWN_CHARACTERS]
    if isinstance(node, syntax.Field):
        return f"{_text(node.of)}.{node.name}"[:_SHOWN_CHARACTERS]
    if isinstance(node, syntax.Literal):
        shown = {True: "true", False: "false", None: "null"}
        value = node.value
        return shown[value] if isinstance(value, bool) or value is None else repr(value)[:_SHOWN_CHARACTERS]
    return "a part of it"
