"""Searches for the conditions that cost the most: `python -m tests.harness.attack.condition_search --seconds 600`.

A list of numbers, the genes, draws an expression: each choice of the grammar takes the next gene. The search changes
genes of the worst expressions that it knows, and keeps the changes that cost more processor time.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tests.harness.own_process import least_quiet_ms
from tidegate.adapters.conditions.cel import CelConditions
from tidegate.adapters.conditions.evaluator import build
from tidegate.adapters.conditions.parser import parse
from tidegate.domain import limits
from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Json

BYTES = limits.MAX_RESULT_BYTES
_MOST_CHARACTERS = limits.MAX_CONDITION_CHARACTERS
_POPULATION = 24
_GENES = 120


def _nested(depth: int) -> Json:
    value: Json = "x" * (BYTES - 2 * depth)
    for _ in range(depth):
        value = [value]
    return value


def _names(count: int) -> list[Json]:
    return [f"ab{number:04}" for number in range(count)]


def _map(count: int) -> dict[str, Json]:
    return {f"k{number:05}": number for number in range(count)}


def _again(text: str, times: int) -> str:
    """Returns a text that is equal to others but is another object."""
    return "".join([text] * times)


# Each is about as large as a result may be. `a` and `b` are equal, but are not the same object.
RESULTS: Mapping[str, Callable[[], Json]] = {
    "ints": lambda: {"a": [7] * 65_000, "b": [7] * 65_000, "s": "x"},
    "doubles": lambda: {"a": [0.5] * 30_000, "b": [0.5] * 30_000, "s": "0.5"},
    "short texts": lambda: {"a": _names(14_000), "b": _names(14_000), "s": "ab13999"},
    "one text": lambda: {"a": [_again("a", 127_000)], "b": [_again("a", 127_000)], "s": "a" * 8_000},
    "wide text": lambda: {"a": [_again("é", 62_000)], "b": [_again("é", 62_000)], "s": "é" * 4_000},
    "letters": lambda: {
        "a": ["ab" * 32_000],
        "b": [],
        "s": "".join(random.Random(1).choices("ab", k=190_000)),
    },
    "text and part": lambda: {"a": ["a" * 128_000], "b": [], "s": "a" * 126_007 + "baa"},
    "texts of 64": lambda: {"a": ["x" * 64] * 1_900, "b": [_again("x", 64) for _ in range(1_900)], "s": "x"},
    "map": lambda: {"a": _map(8_000), "b": _map(8_000), "s": "k00001"},
    "maps": lambda: {"a": [{"k": i} for i in range(9_000)], "b": [{"k": i} for i in range(9_000)], "s": "k"},
    "nested": lambda: {"a": _nested(limits.MAX_RESULT_DEPTH - 4), "b": [], "s": "x"},
    "empties": lambda: {"a": [[] for _ in range(40_000)], "b": [{} for _ in range(40_000)], "s": ""},
}

_PATTERNS = (
    "a", "^a*$", "[ab]*a[ab]{99}c", "(a|b)*a(a|b){60}c", r"\\w{9}", r"\\pL{9}!", "(?:a?b?){200}c", ".{60}!",
    r"(\\w\\w?){4}!", "(?i)[a-z]{100}!", "((((a{4}){4}){4}){4})b", "x{900}", r"\\b\\w+\\b!", "[^x]{80}y",
    "(é|a){200}z", r"(?i)\\w\\w",
)  # fmt: skip


@dataclass(slots=True)
class Draw:
    """Draws choices from genes one by one, and starts again with the first when all are used."""

    genes: list[float]
    used: int = 0
    names: list[str] = field(default_factory=list)

    def below(self, count: int) -> int:
        """Returns the next choice among `count`."""
        gene = self.genes[self.used % len(self.genes)]
        self.used += 1
        return int(gene * count)

    def one(self, *options: Callable[[], str]) -> str:
        """Draws one of the options."""
        return options[self.below(len(options))]()


def expression_of(genes: list[float]) -> str:
    """Returns the condition that `genes` stand for."""
    return _bool(Draw(genes), 5)


def _leaf(draw: Draw) -> str:
    options = [
        "upstream.result.a",
        "upstream.result.b",
        "upstream.result.s",
        "upstream.result",
        "7",
        "'x'",
        "0.5",
        "upstream.status",
    ]
    return ([*options, *draw.names * 4])[draw.below(len(options) + 4 * len(draw.names))]  # fmt: skip


def _any(draw: Draw, depth: int) -> str:
    if depth <= 0:
        return _leaf(draw)
    return draw.one(
        lambda: _leaf(draw), lambda: _list(draw, depth - 1), lambda: _text(draw, depth - 1),
        lambda: _number(draw, depth - 1), lambda: _bool(draw, depth - 1), lambda: f"{_list(draw, depth - 1)}[0]",
        lambda: f"type({_any(draw, depth - 1)})", lambda: "{'k': " + _any(draw, depth - 1) + "}",
    )  # fmt: skip


def _list(draw: Draw, depth: int) -> str:
    if depth <= 0:
        return draw.one(lambda: "upstream.result.a", lambda: "upstream.result.b", lambda: _leaf(draw))
    return draw.one(
        lambda: "upstream.result.a",
        lambda: f"({_list(draw, depth - 1)} + {_list(draw, depth - 1)})",
        lambda: _loop(draw, depth, "map", lambda: _any(draw, depth - 1)),
        lambda: _loop(draw, depth, "filter", lambda: _bool(draw, depth - 1)),
        lambda: "[" + ",".join([_any(draw, depth - 2)] * (1 + draw.below(60))) + "]",
        lambda: "[" + ",".join(["1"] * (1 + draw.below(300))) + "]",
    )


def _text(draw: Draw, depth: int) -> str:
    if depth <= 0:
        return draw.one(
            lambda: "upstream.result.s", lambda: "'a'", lambda: "upstream.result.a[0]", lambda: _leaf(draw)
        )
    return draw.one(
        lambda: "upstream.result.s",
        lambda: f"({_text(draw, depth - 1)} + {_text(draw, depth - 1)})",
        lambda: f"string({_number(draw, depth - 1)})",
        lambda: "'" + "a" * draw.below(100) + "b'",
        lambda: "'" + "ab" * draw.below(50) + "c'",
    )


def _number(draw: Draw, depth: int) -> str:
    if depth <= 0:
        return draw.one(lambda: "7", lambda: "0.5", lambda: "upstream.result.a[0]", lambda: _leaf(draw))
    sign = "+-*/%"[draw.below(5)]
    return draw.one(
        lambda: f"size({_list(draw, depth - 1)})",
        lambda: f"size({_text(draw, depth - 1)})",
        lambda: f"({_number(draw, depth - 1)} {sign} {_number(draw, depth - 1)})",
        lambda: f"double({_any(draw, depth - 1)})",
        lambda: f"int({_any(draw, depth - 1)})",
    )


def _bool(draw: Draw, depth: int) -> str:
    if depth <= 0:
        return draw.one(
            lambda: "true",
            lambda: "false",
            lambda: f"{_leaf(draw)} == {_leaf(draw)}",
            lambda: f"{_leaf(draw)} != 7",
        )
    kind = ("all", "exists", "exists_one")[draw.below(3)]
    sign = ("==", "!=", "<", ">=", "in")[draw.below(5)]
    method = ("contains", "startsWith", "endsWith")[draw.below(3)]
    return draw.one(
        lambda: _loop(draw, depth, kind, lambda: _bool(draw, depth - 1)),
        lambda: _loop(draw, depth, kind, lambda: _bool(draw, depth - 1)),
        lambda: f"({_any(draw, depth - 1)} {sign} {_any(draw, depth - 1)})",
        lambda: f"({_list(draw, depth - 1)} == {_list(draw, depth - 1)})",
        lambda: f"{_text(draw, depth - 1)}.{method}({_text(draw, depth - 1)})",
        lambda: f"{_text(draw, depth - 1)}.matches('{_PATTERNS[draw.below(len(_PATTERNS))]}')",
        lambda: f"({_bool(draw, depth - 1)} && {_bool(draw, depth - 1)})",
        lambda: f"({_bool(draw, depth - 1)} || {_bool(draw, depth - 1)})",
        lambda: f"!{_bool(draw, depth - 1)}",
        lambda: f"has({_leaf(draw)}.k)",
        lambda: f"({_bool(draw, depth - 1)} ? {_bool(draw, depth - 1)} : {_bool(draw, depth - 1)})",
    )


def _loop(draw: Draw, depth: int, kind: str, body: Callable[[], str]) -> str:
    over = _list(draw, depth - 1)
    name = f"v{len(draw.names)}"
    draw.names.append(name)
    inside = body()
    draw.names.pop()
    return f"{over}.{kind}({name}, {inside})"


@dataclass(frozen=True, slots=True)
class Found:
    """An expression that was tried, with its processor time for compiling and evaluating in milliseconds."""

    cpu_ms: float
    shape: str
    genes: list[float]
    said: str

    @property
    def expression(self) -> str:
        """Returns the expression itself."""
        return expression_of(self.genes)


def view_of(result: Json) -> Mapping[str, Json]:
    """Returns the values that a condition sees as `upstream`."""
    return {"status": "SUCCEEDED", "result": result, "duration_seconds": 1.5, "attempts": 1, "error": None}


def cost_of(
    expression: str, view: Mapping[str, Json], *, enough_ms: float = 0.0, times: int = 2
) -> tuple[float, str]:
    """Measures one compilation and one evaluation, at the best of some runs.

    Returns processor milliseconds, and how the evaluation ended. A run that took at most `enough_ms` is the last.
    """
    said = ""

    def evaluate() -> None:
        nonlocal said
        try:
            said = str(
                build(parse(expression), "upstream").evaluate(view, max_steps=limits.MAX_CONDITION_STEPS)
            )[:60]
        except ConditionError as error:
            said = str(error)[:60]

    return least_quiet_ms(evaluate, enough_ms=enough_ms, times=times), said


def peak_bytes(expression: str, view: Mapping[str, Json]) -> int:
    """Returns the most memory that Python's allocator held for one compilation and one evaluation."""
    tracemalloc.start()
    try:
        conditions = CelConditions()
        with suppress(ConditionError):
            conditions.evaluate(expression, view)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def search(seconds: float, seed: int) -> tuple[list[Found], int]:
    """Searches for `seconds` seconds.

    Returns the worst expressions, worst first, and how many were accepted and tried.
    """
    chance = random.Random(seed)
    views = {shape: view_of(make()) for shape, make in RESULTS.items()}
    shapes = list(views)
    worst: list[Found] = []
    tried = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if len(worst) < _POPULATION or chance.random() < 0.3:
            genes, shape = [chance.random() for _ in range(_GENES)], chance.choice(shapes)
        else:
            parent = chance.choice(worst)
            genes, shape = list(parent.genes), parent.shape
            for _ in range(chance.choice((1, 1, 2, 4, 8))):
                genes[chance.randrange(_GENES)] = chance.random()
            if chance.random() < 0.2:
                shape = chance.choice(shapes)
        expression = expression_of(genes)
        if len(expression) > _MOST_CHARACTERS:
            continue
        try:
            parse(expression)
        except ConditionError:
            continue
        tried += 1
        cpu_ms, said = cost_of(expression, views[shape])
        worst.append(Found(cpu_ms, shape, genes, said))
        worst.sort(key=lambda found: -found.cpu_ms)
        del worst[_POPULATION:]
    return worst, tried


def main() -> None:
    """Searches and prints the worst expressions."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    worst, tried = search(given.seconds, given.seed)
    lines = [f"{tried:,} expressions"]
    for found in worst:
        peak = peak_bytes(found.expression, view_of(RESULTS[found.shape]())) / 2**20
        what = f"{found.shape:12} {found.said:40} {found.expression[:160]}"
        lines.append(f"{found.cpu_ms:7.1f} ms {peak:6.1f} MB  {what}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
