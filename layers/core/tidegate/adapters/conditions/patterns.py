"""Regular expressions whose compilation and search have a bounded cost.

The engine is the `regex` crate of Rust, as pydantic ships it. Its search time grows with the length of the text times
the number of the pattern's states, never faster. Compiling takes time too, so the states are counted before that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tidegate.domain.errors import ConditionError

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

MAX_STATES = 2_000
_STATE_BYTES_PER_STEP = 32  # the slowest state measured takes 3 ns a byte, so a step stays under 100 ns
# For a pattern with a word boundary and a text with letters beyond ASCII, the engine uses its slowest algorithm: up to
# 10 ns were measured.
_STATE_BYTES_PER_STEP_AT_BOUNDARIES = 16
_BOUNDARY = re.compile(r"\\[bB]")

_PIECE = re.compile(
    r"""(?P<class>\\(?:[pP](?:\{[^}]*\}|.)|b\{[a-z-]+\}|[wWdDsSbB]))"""
    r"""|(?P<escape>\\(?:[xuU]\{[^}]*\}|.))"""
    r"""|(?P<repeat>\{\s*(?P<low>[0-9]*)\s*,?\s*(?P<high>[0-9]*)\s*\})"""
    r"""|(?P<open>\((?P<flags>\?[a-zA-Z-]*(?=[:)]))?)|(?P<close>\))|(?P<set>\[\^?)|(?P<any>\.)|(?P<other>.)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Weights:
    """The states that a piece of a pattern counts for.

    Where the pattern ignores case, the sum is multiplied by `cases`.
    """

    of_class: int  # \w, \d, \s, \p{...} and their negations
    of_any: int  # a dot, or a set
    of_other: int  # a character beyond ASCII
    cases: int


# Compiling builds an automaton of all Unicode ranges of a class. A search is in only a few of its states at once.
_TO_COMPILE = _Weights(of_class=100, of_any=12, of_other=4, cases=4)
_TO_SEARCH = _Weights(of_class=4, of_any=4, of_other=4, cases=2)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled regular expression with `states` states; a search is in at most `width` of them at once."""

    states: int
    width: int
    validator: SchemaValidator
    has_boundary: bool = False

    def cost_of(self, text: str) -> int:
        """Returns the largest number of steps that a search of `text` can cost."""
        if text.isascii():
            return len(text) * self.width // _STATE_BYTES_PER_STEP
        per_step = _STATE_BYTES_PER_STEP_AT_BOUNDARIES if self.has_boundary else _STATE_BYTES_PER_STEP
        return 4 * len(text) * self.width // per_step

    def is_found_in(self, text: str) -> bool:
        """Returns True if the pattern matches anywhere in `text`."""
        return self.validator.isinstance_python(text)


def compile_pattern(source: str) -> Pattern:
    """Compiles `source`; raises ConditionError if it is malformed or has more than `MAX_STATES` states."""
    # Imported here to save start-up time: most conditions have no regular expression, and most functions no condition.
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    states = _count(source, _TO_COMPILE)
    if states > MAX_STATES:
        raise ConditionError(
            f"has a regular expression of more than {MAX_STATES:,} states: repeat less, "
            r"or write [0-9] for \d and [A-Za-z0-9_] for \w"
        )
    schema = core_schema.str_schema(pattern=source, regex_engine="rust-regex", strict=True)
    try:
        validator = SchemaValidator(schema)
    except SchemaError as error:
        reason = " ".join(str(error).rpartition("error: ")[2].split())[:200]
        raise ConditionError(f"has a regular expression that does not compile: {reason}") from error
    return Pattern(states, _count(source, _TO_SEARCH), validator, _BOUNDARY.search(source) is not None)


def _count(source: str, weights: _Weights) -> int:
    """Returns at least as many states as `source` compiles to; for a malformed one, any number."""
    before: list[int] = []  # the states before each group that is still open
    total, last, cases = 1, 0, 1  # `last` counts the last piece alone, because a repetition multiplies it
    position = 0
    while position < len(source):
        piece = _next_piece(source, position)
        position = piece.end()
        if piece["repeat"]:
            last *= max(int(piece["low"] or 0), int(piece["high"] or 0)) + 1
        else:
            total += last
            if piece["open"]:
                cases = max(cases, _cases(piece["flags"] or "", weights))
                before.append(total)
                total, last = 1, 0
            elif piece["close"]:
                last, total = total, before.pop() if before else 1
            elif piece["set"]:
                last, position = _set_states(source, position, weights)
            else:
                last = _states_of(piece, weights)
        if total + last > MAX_STATES:
            break  # it is too large already, and the count only grows
    return (total + last + sum(before)) * cases


def _next_piece(source: str, position: int) -> re.Match[str]:
    # There is always a match, because the last alternative takes any character.
    return cast("re.Match[str]", _PIECE.match(source, position))


def _states_of(piece: re.Match[str], weights: _Weights) -> int:
    if piece["class"]:
        return weights.of_class
    if piece["any"]:
        return weights.of_any
    return 1 if piece[0].isascii() and not piece["escape"] else weights.of_other


def _cases(flags: str, weights: _Weights) -> int:
    if "x" in flags:
        # With this flag, spaces and comments may separate a piece from its repetition, which `_count` would miss.
        raise ConditionError("has a regular expression with the flag x; write it without")
    return weights.cases if "i" in flags else 1


def _set_states(source: str, position: int, weights: _Weights) -> tuple[int, int]:
    """Returns the states of a set in brackets and the position after it.

    `position` is just after its opening bracket.
    """
    states, depth, start = weights.of_any, 1, position
    is_search = weights is _TO_SEARCH
    while position < len(source) and depth:
        piece = _next_piece(source, position)
        if piece["set"]:
            depth += 1
        elif piece[0] == "]" and position > start:
            depth -= 1
        elif not is_search:
            states += _states_of(piece, weights)
        position = piece.end()
    return states, position
