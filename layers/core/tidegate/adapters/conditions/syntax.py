"""The nodes of an expression's syntax tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tidegate.adapters.conditions.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant written in the expression."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or the name of a type."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a map: `of.name`."""

    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Has:
    """A test for a field of a map: `has(of.name)`."""

    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """An element of a list, or a value of a map: `of[key]`."""

    of: Node
    key: Node


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list: `[items]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map: `{key: value}`."""

    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """A unary operation, `!` or `-`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operation on two operands, except `&&` and `||`, which are Logic."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """Operands joined by `&&` or by `||`, in one flat node, so that a long chain needs no deep recursion."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice between two values: `test ? yes : no`."""

    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function; the receiver of a method is the first argument."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """A search in a text for a regular expression, which the parser has already compiled."""

    text: Node
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Loop:
    """A macro over a list or over the keys of a map: `over.kind(variable, test, body)`; only `map` has a body."""

    kind: str
    over: Node
    variable: str
    test: Node | None
    body: Node | None


Node: TypeAlias = (
    Literal
    | Name
    | Field
    | Has
    | Index
    | ListOf
    | MapOf
    | Unary
    | Binary
    | Logic
    | Choice
    | Call
    | Matches
    | Loop
)
