"""Conditions in the Common Expression Language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Json

VARIABLE = "upstream"
_COMPILED_KEPT = 512
_MESSAGE_CHARACTERS = 200

# Strings, raw or not, and comments: what is in them is no code.
_TEXT = re.compile(
    r"""//[^\n]*|[rR][bB]?(?:'{3}.*?'{3}|"{3}.*?"{3}|'[^']*'|"[^"]*")"""
    r"""|'{3}(?:\\.|.)*?'{3}|"{3}(?:\\.|.)*?"{3}|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""",
    re.DOTALL,
)
_MAP = re.compile(r"\.\s*map\s*\(")
_MOST_MAPS = 1  # each can double what the one before it made
_MOST_PLUS = 20
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(\s*(\w+)?")


class CelConditions:
    """Compiles and evaluates conditions over one variable, `upstream`; keeps the last 512 compiled."""

    def check(self, expression: str) -> None:
        """Raises ConditionError where the expression does not compile, uses other names, or could run away."""
        _compiled(expression)

    def evaluate(self, expression: str, upstream: Mapping[str, Json]) -> bool:
        """The expression's value over `upstream`; raises ConditionError where it fails or is no boolean."""
        program = _compiled(expression)
        try:
            value = program.execute({VARIABLE: upstream})
        except Exception as error:
            raise ConditionError(_reason(error)) from error
        if not isinstance(value, bool):
            raise ConditionError(
                f"its value is {type(value).__name__}, not a boolean; compare it with something"
            )
        return value


@lru_cache(maxsize=_COMPILED_KEPT)
def _compiled(expression: str) -> Any:
    # Imported here: it brings its own command line along, 0.4 s that only conditions should wait for.
    import cel

    try:
        program = cel.compile(expression)
    except Exception as error:
        raise ConditionError(f"does not compile: {_reason(error)}") from error
    code = _TEXT.sub(" ", expression)
    bound = {match[1] for match in _MACRO.finditer(code) if match[1]}
    unknown = sorted(set(program.variables()) - bound - {VARIABLE})
    if unknown:
        raise ConditionError(
            f"uses the unknown name {unknown[0]!r}; a condition knows only {VARIABLE!r} "
            f"with status, result, duration_seconds, attempts and error"
        )
    if _nests_loops(code):
        raise ConditionError(
            "has a loop (all, exists, exists_one, map, filter) inside another, "
            "which could run for hours; put one after the other"
        )
    if len(_MAP.findall(code)) > _MOST_MAPS or code.count("+") > _MOST_PLUS:
        raise ConditionError(
            f"has more than {_MOST_MAPS} map(...) or more than {_MOST_PLUS} plus signs, which could grow a value "
            "beyond all memory; compute it in the job and return it as its result"
        )
    return program


def _nests_loops(code: str) -> bool:
    """Whether a loop's arguments hold another loop: work would grow with the square of a result."""
    for match in _MACRO.finditer(code):
        depth, position = 1, code.index("(", match.start()) + 1
        start = position
        while position < len(code) and depth:
            depth += {"(": 1, ")": -1}.get(code[position], 0)
            position += 1
        if _MACRO.search(code, start, position):
            return True
    return False


def _reason(error: Exception) -> str:
    """The library's message on one line, and what an error of Python's own means in an expression."""
    text = " ".join(str(error).split())[:_MESSAGE_CHARACTERS]
    if isinstance(error, KeyError):
        return f"there is no field {text}; test it with has(...) first"
    return text or type(error).__name__
