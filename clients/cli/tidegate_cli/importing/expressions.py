"""Reads the boolean expressions of other tools into trees. Their meaning is the converters' business."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_CHARACTERS = 4_000
MAX_DEPTH = 50
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<reference>\{\{.*?\}\})
  | (?P<text>'(?:[^']|'')*' | "(?:[^"\\]|\\.)*")
  | (?P<sign>&&|\|\||==|!=|<=|>=|=~|!~|[<>!()\[\],])
  | (?P<word>[^\s&|=!<>()'",\[\]{}]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "=~", "!~")


class NotUnderstood(ValueError):
    """The error for an expression that the reader does not know the grammar of."""


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word, such as a name, a path or a number."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text, without its quotation marks."""

    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The inside of a pair of double braces."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """A value and the name or number in brackets behind it."""

    of: Tree
    at: Tree
    rest: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator and what it works on: `!` on one value, `&&` and `||` on several, comparisons on two."""

    operator: str
    operands: tuple[Tree, ...]


Tree = Word | Text | Reference | Call | Index | Operation


def parse(text: str) -> Tree:
    """Returns the tree of an expression. Raises NotUnderstood, which says what could not be read."""
    if len(text) > MAX_CHARACTERS:
        raise NotUnderstood(f"is longer than {MAX_CHARACTERS:,} characters")
    tokens = _tokens(text)
    if not tokens:
        raise NotUnderstood("is empty")
    reader = _Reader(tokens)
    tree = reader.read_any(0)
    if reader.at < len(tokens):
        raise NotUnderstood(f"has an unexpected {tokens[reader.at][1]!r}")
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise NotUnderstood(f"can't be read from {text[at : at + 20]!r} on")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


@dataclass(slots=True)
class _Reader:
    tokens: Sequence[tuple[str, str]]
    at: int = 0

    def read_any(self, depth: int) -> Tree:
        return self._chain("||", depth)

    def _chain(self, operator: str, depth: int) -> Tree:
        parts = [self._operand_of(operator, depth)]
        while self._take(operator):
            parts.append(self._operand_of(operator, depth))
        return parts[0] if len(parts) == 1 else Operation(operator, tuple(parts))

    def _operand_of(self, operator: str, depth: int) -> Tree:
        return self._chain("&&", depth) if operator == "||" else self._comparison(depth)

    def _comparison(self, depth: int) -> Tree:
        left = self._unary(depth)
        for sign in _COMPARISONS:
            if self._take(sign):
                return Operation(sign, (left, self._unary(depth)))
        return left

    def _unary(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise NotUnderstood(f"is nested more than {MAX_DEPTH} levels deep")
        if self._take("!"):
            return Operation("!", (self._unary(depth + 1),))
        if self._take("("):
            inner = self.read_any(depth + 1)
            self._need(")")
            return inner
        return self._value(depth)

    def _value(self, depth: int) -> Tree:
        if self.at >= len(self.tokens):
            raise NotUnderstood("ends too early")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            quoted = text[1:-1]
            return Text(quoted.replace("''", "'") if text[0] == "'" else re.sub(r"\\(.)", r"\1", quoted))
        if kind == "reference":
            return Reference(text[2:-2].strip())
        if kind != "word":
            raise NotUnderstood(f"has an unexpected {text!r}")
        if self._take("("):
            return Call(text, self._arguments(depth))
        value: Tree = Word(text)
        while self._take("["):
            index = self.read_any(depth + 1)
            self._need("]")
            rest = ""
            if self.at < len(self.tokens) and self.tokens[self.at][1].startswith("."):
                rest = self.tokens[self.at][1]
                self.at += 1
            value = Index(value, index, rest)
        return value

    def _arguments(self, depth: int) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while not self._take(")"):
            if found:
                self._need(",")
            found.append(self.read_any(depth + 1))
        return tuple(found)

    def _take(self, sign: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign):
            self.at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise NotUnderstood(f"lacks a {sign!r}")
