"""The tree of an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tidegate.adapters.conditions.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the expression."""

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
    """Whether a map has a field: `has(of.name)`."""

    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """An element of a list or a map: `of[key]`."""

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
    """An operator before its operand: `!` or `-`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands; `&&` and `||` are Logic."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """Operands joined by `&&` or by `||`. Flat, so that a long chain needs no deep recursion."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`test ? yes : no`."""

    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function; the receiver of a method is its first argument."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """A search for a regular expression, which was compiled when the expression was."""

    text: Node
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Loop:
    """A macro over a list or a map's keys: `over.kind(variable, test, body)`; only `map` has a body."""

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
