"""Splits the text of an expression into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import ConditionError

END = "end"
MAX_TOKENS = limits.MAX_CONDITION_CHARACTERS  # the shortest token is one character

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+|//[^\n]*)"""
    r"""|(?P<raw>[rR](?:'{3}.*?'{3}|"{3}.*?"{3}|'[^'\r\n]*'|"[^"\r\n]*"))"""
    r"""|(?P<text>'{3}(?:\\.|[^\\])*?'{3}|"{3}(?:\\.|[^\\])*?"{3}"""
    r"""|'(?:\\.|[^'\\\r\n])*'|"(?:\\.|[^"\\\r\n])*")"""
    r"""|(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<symbol>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])""",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"""\\(?:(?P<short>[abfnrtv\\?"'`])|[xX](?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})"""
    r"""|U(?P<U>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<bad>.|$))""",
    re.DOTALL,
)
_SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an expression.

    `kind` is `text`, `number`, `name` or `end`; for a symbol it is the symbol itself. `position` counts characters
    from 0.
    """

    kind: str
    text: str
    position: int


def tokens_of(expression: str) -> list[Token]:
    """Returns the tokens of `expression`, with one more of kind END at the end.

    Raises ConditionError where some characters form no token, or where there are too many tokens.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None or match.lastgroup is None:
            raise ConditionError(
                f"does not compile: nothing can begin with {expression[position]!r} at character {position + 1}"
            )
        if match.lastgroup != "space":
            tokens.append(_token(match.lastgroup, match[0], position))
        if len(tokens) > MAX_TOKENS:
            raise ConditionError(f"does not compile: it has more than {MAX_TOKENS:,} words and signs")
        position = match.end()
    return [*tokens, Token(END, "the end", position)]


def _token(group: str, text: str, position: int) -> Token:
    if group == "symbol":
        return Token(text, text, position)
    if group == "raw":
        return Token("text", _inside(text[1:]), position)
    if group == "text":
        return Token("text", _ESCAPE.sub(_unescaped, _inside(text)), position)
    return Token(group, text, position)


def _inside(quoted: str) -> str:
    marks = 3 if quoted[:3] in ("'''", '"""') and len(quoted) >= 6 else 1
    return quoted[marks:-marks]


def _unescaped(escape: re.Match[str]) -> str:
    if escape["short"]:
        return _SHORT.get(escape["short"], escape["short"])
    digits = escape["x"] or escape["u"] or escape["U"]
    code = int(digits, 16) if digits else int(escape["octal"], 8) if escape["octal"] else -1
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ConditionError(f"does not compile: {escape[0]!r} stands for no character")
    return chr(code)
