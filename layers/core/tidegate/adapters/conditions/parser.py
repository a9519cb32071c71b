"""Parses the text of an expression into its tree, by recursive descent."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.adapters.conditions.lexer import END, Token, tokens_of
from tidegate.adapters.conditions.patterns import MAX_STATES, compile_pattern
from tidegate.adapters.conditions.syntax import (
    Binary,
    Call,
    Choice,
    Field,
    Has,
    Index,
    ListOf,
    Literal,
    Logic,
    Loop,
    MapOf,
    Matches,
    Name,
    Node,
    Unary,
)
from tidegate.domain.errors import ConditionError
from tidegate.domain.suggestions import did_you_mean

MAX_DEPTH = 32

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<", "<=", ">", ">=", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_RESERVED = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
    }
    | {"package", "return", "var", "void", "while"}
)
_LOOPS = {"all": "all", "exists": "exists", "exists_one": "exists_one", "existsOne": "exists_one"}
_FUNCTIONS = {"size": 1, "int": 1, "double": 1, "string": 1, "bool": 1, "type": 1, "has": 1, "matches": 2}
_METHODS = {"size": 0, "matches": 1, "contains": 1, "startsWith": 1, "endsWith": 1}
_MACROS = (*_LOOPS, "filter", "map")


def parse(expression: str) -> Node:
    """Returns the tree of `expression`.

    Raises ConditionError if it is malformed, nested too deep, or calls an unknown function.
    """
    parser = _Parser(tokens_of(expression))
    tree = parser.expression()
    if parser.token.kind != END:
        raise parser.unexpected()
    return tree


class _Parser:
    """A recursive-descent parser. `_depth` counts the brackets, choices and arguments that are open."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._states = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._place]

    def unexpected(self) -> ConditionError:
        """Returns the error for an unexpected next token."""
        return ConditionError(
            f"does not compile: {self.token.text[:40]!r} at character {self.token.position + 1} is not expected there"
        )

    def expression(self) -> Node:
        """Parses a whole expression, including a choice `test ? yes : no`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConditionError(f"does not compile: it is nested deeper than {MAX_DEPTH}")
        tree = self._level(0)
        if self._accept("?"):
            yes = self._level(0)
            self._expect(":")
            tree = Choice(tree, yes, self.expression())
        self._depth -= 1
        return tree

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        tree = self._level(level + 1)
        if level < 2:
            operands = [tree]
            while self._accept(*_LEVELS[level]):
                operands.append(self._level(level + 1))
            return Logic(_LEVELS[level][0], tuple(operands)) if len(operands) > 1 else tree
        while (operator := self._accept(*_LEVELS[level])) is not None:
            tree = Binary(operator.text, tree, self._level(level + 1))
        return tree

    def _unary(self) -> Node:
        operators: list[str] = []
        while (operator := self._accept("!", "-")) is not None:
            operators.append(operator.text)
        if operators and operators[-1] == "-" and self.token.kind == "number":
            operators.pop()
            number = self._advance().text
            tree = self._members(Literal(_number(f"-{number}")))
        else:
            tree = self._members(self._primary())
        for text in reversed(operators):
            tree = Unary(text, tree)
        return tree

    def _members(self, tree: Node) -> Node:
        while True:
            if self._accept("."):
                name = self._identifier()
                tree = self._method(tree, name) if self._accept("(") else Field(tree, name)
            elif self._accept("["):
                tree = Index(tree, self.expression())
                self._expect("]")
            else:
                return tree

    def _primary(self) -> Node:
        token = self.token
        if token.kind == "number":
            return Literal(_number(self._advance().text))
        if token.kind == "text":
            return Literal(self._advance().text)
        if self._accept("("):
            tree = self.expression()
            self._expect(")")
            return tree
        if self._accept("["):
            return ListOf(self._until("]"))
        if self._accept("{"):
            return self._map()
        if token.kind == "name" and token.text in _CONSTANTS:
            return Literal(_CONSTANTS[self._advance().text])
        name = self._identifier()
        return self._function(name) if self._accept("(") else Name(name)

    def _until(self, end: str) -> tuple[Node, ...]:
        """Parses expressions separated by commas up to the token `end`; a comma after the last one is allowed."""
        found: list[Node] = []
        while not self._accept(end):
            found.append(self.expression())
            if not self._accept(","):
                self._expect(end)
                break
        return tuple(found)

    def _map(self) -> MapOf:
        entries: list[tuple[Node, Node]] = []
        while not self._accept("}"):
            key = self.expression()
            self._expect(":")
            entries.append((key, self.expression()))
            if not self._accept(","):
                self._expect("}")
                break
        return MapOf(tuple(entries))

    def _function(self, name: str) -> Node:
        arguments = self._until(")")
        if name == "has":
            if len(arguments) == 1 and isinstance(arguments[0], Field):
                return Has(arguments[0].of, arguments[0].name)
            raise ConditionError("does not compile: has(...) takes a field, as in has(upstream.result.rows)")
        if name == "matches" and len(arguments) == 2:
            return self._matches(arguments[0], arguments[1])
        if _FUNCTIONS.get(name) == len(arguments):
            return Call(name, arguments)
        raise self._no_function(name, len(arguments), _FUNCTIONS)

    def _method(self, receiver: Node, name: str) -> Node:
        arguments = self._until(")")
        if name in _LOOPS and len(arguments) == 2:
            return Loop(_LOOPS[name], receiver, _variable(name, arguments[0]), arguments[1], None)
        if name == "filter" and len(arguments) == 2:
            return Loop("filter", receiver, _variable(name, arguments[0]), arguments[1], None)
        if name == "map" and len(arguments) in (2, 3):
            test = arguments[1] if len(arguments) == 3 else None
            return Loop("map", receiver, _variable(name, arguments[0]), test, arguments[-1])
        if name == "matches" and len(arguments) == 1:
            return self._matches(receiver, arguments[0])
        if _METHODS.get(name) == len(arguments):
            return Call(name, (receiver, *arguments))
        raise self._no_function(name, len(arguments), (*_METHODS, *_MACROS))

    def _matches(self, text: Node, pattern: Node) -> Node:
        if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
            raise ConditionError("has matches(...) with a computed regular expression; write it as a text")
        compiled = compile_pattern(pattern.value)
        self._states += compiled.states
        if self._states > MAX_STATES:
            raise ConditionError(f"has regular expressions of more than {MAX_STATES:,} states together")
        return Matches(text, compiled)

    def _no_function(self, name: str, arguments: int, known: Iterable[str]) -> ConditionError:
        names = sorted(known)
        if name in names:
            return ConditionError(f"calls {name!r} with {arguments} arguments, which it does not take")
        return ConditionError(
            f"uses the unknown function {name[:40]!r} with {arguments} arguments; "
            f"there are {', '.join(names)}{did_you_mean(name, names)}"
        )

    def _identifier(self) -> str:
        if self.token.kind != "name" or self.token.text in _RESERVED or self.token.text in _CONSTANTS:
            raise self.unexpected()
        return self._advance().text

    def _accept(self, *kinds: str) -> Token | None:
        """Consumes and returns the next token if its kind is one of `kinds`; otherwise returns None."""
        token = self.token
        return self._advance() if token.kind in kinds or (token.text == "in" and "in" in kinds) else None

    def _expect(self, kind: str) -> None:
        if not self._accept(kind):
            raise self.unexpected()

    def _advance(self) -> Token:
        token = self.token
        self._place += 1
        return token


def _variable(macro: str, node: Node) -> str:
    if not isinstance(node, Name):
        raise ConditionError(
            f"does not compile: {macro}(...) takes a name first, as in list.{macro}(x, x > 0)"
        )
    return node.name


def _number(text: str) -> int | float:
    if "x" in text or "X" in text:
        value = int(text, 16)
    elif any(sign in text for sign in ".eE"):
        return float(text)
    else:
        value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ConditionError(f"does not compile: {text[:40]} has more than 64 bits")
    return value
