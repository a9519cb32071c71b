"""A JSON Schema that was read, and the check of a value by it.

The check knows the keywords of JSON Schema 2020-12 that `reading.py` lists. Its cost is bounded whatever the schema
says: every part of a schema that meets a part of a value is a step, and a check has a number of steps that grows with
the value only. So a schema that refers to itself, or that doubles its work at each level, ends in a violation.

The messages are those of pydantic wherever it has one, so that a type whose code the API has and a type that only
workers have are answered in the same words. No message shows a value that was sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any, Protocol

from tidegate.domain.errors import TidegateError
from tidegate.domain.job import Json
from tidegate.domain.suggestions import did_you_mean

MAX_FOUND = 50
"""The violations of one check, at most."""

_LEAST_STEPS = 5_000
_STEPS_PER_VALUE = 50
_STEPS_PER_CHARACTER = 2
_MOST_STEPS = 1_000_000  # about two seconds
_PATTERN_STEPS_PER_STEP = 10  # a step of a pattern takes a tenth of the time of a step here
_MOST_LEVELS = 200  # of a schema's parts inside each other; parameters of 100 levels need 150 of them
_TOO_DEAR = (
    "can't be checked by the schema of this job type within its bound; send less, or simplify the schema"
)
_UNKNOWN = "is not a parameter of this job type; leave it out or correct its name"
_LOOKED_AT = 10  # violations of each alternative
_NAME_CHARACTERS = 64
_SHOWN_CHOICES = 10
_SHOWN_CHARACTERS = 100

Place = tuple[str | int, ...]

KINDS: Mapping[str, str] = {
    "string": "a valid string",
    "integer": "a valid integer",
    "number": "a valid number",
    "boolean": "a valid boolean",
    "object": "an object",
    "array": "a valid list",
    "null": "null",
}
"""The names of types in JSON Schema, and the words for a value of each."""


class SchemaFault(TidegateError):
    """The error for a schema that can't be used. `place` is a pointer into it, as `#/properties/rows`."""

    code = "bad-schema"

    def __init__(self, place: str, message: str) -> None:
        self.place = place
        self.message = message
        super().__init__(f"{place}: {message}")


class PatternSearch(Protocol):
    """A compiled regular expression whose search takes a bounded time."""

    def cost_of(self, text: str) -> int:
        """Returns the largest number of steps, of at most 0.1 µs each, that a search of `text` can cost."""

    def is_found_in(self, text: str) -> bool:
        """Returns True if the pattern matches anywhere in `text`."""


CompilePattern = Callable[[str], PatternSearch]
"""Compiles a regular expression; raises ValueError, with the reason, for one that can't be used."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema that was read by `read_schema`.

    `parts` holds each part by its pointer, `patterns` each regular expression by its source. `unchecked` names the
    keywords that the check ignores, each with its pointer and the reason. A schema from a person should have none.
    """

    root: Json
    parts: Mapping[str, Json]
    patterns: Mapping[str, PatternSearch]
    unchecked: tuple[str, ...] = ()

    def violations(self, value: Json) -> list[tuple[str, str]]:
        """Returns at most MAX_FOUND faults of a value: pairs of a path inside it (`rows[0].name`) and a message.

        The path of the whole value is empty. A value that would take too many steps has a violation that says so.
        """
        check = _Check(self, _steps_for(value))
        found: list[tuple[str, str]] = []
        try:
            found.extend(
                (_path(one.place), one.message + _hint(one))
                for one in islice(check.at(self.root, value, (), 0), MAX_FOUND)
            )  # the faults before the steps end are kept
        except _OutOfStepsError:
            found.append(("", _TOO_DEAR))
        return found


class _OutOfStepsError(Exception):
    """The signal that a check has used up its steps or its levels."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A fault. `choice` is the text of what the value should be, where it is a type, a constant or an enumeration.

    `known` are the names among which a similar one is looked for, where the last part of the place is an unknown name.
    """

    place: Place
    message: str
    choice: str = ""
    known: Iterable[str] = ()


@dataclass(slots=True)
class _Check:
    """One check of one value. `left` is how many steps it may still take."""

    schema: Schema
    left: int
    _choices: dict[tuple[int, str], frozenset[Hashable]] = field(default_factory=dict)
    _choice_texts: dict[tuple[int, str], str] = field(default_factory=dict)

    def at(self, part: Json, value: Json, place: Place, level: int) -> Iterator[_Found]:
        """Yields the faults of a value by one part of the schema."""
        self._step()
        if not isinstance(part, Mapping):  # true lets every value pass, and false none
            if part is False:
                yield _Found(place, "must be left out")
            return
        if level >= _MOST_LEVELS:
            raise _OutOfStepsError
        wrong = self._kind_fault(part, value, place) or self._choice_fault(part, value, place)
        if wrong is not None:
            yield wrong
            return
        if isinstance(value, str):
            yield from self._text(part, value, place)
        elif isinstance(value, bool):
            pass
        elif isinstance(value, int | float):
            yield from _number(part, value, place)
        elif isinstance(value, Mapping):
            yield from self._object(part, value, place, level)
        elif isinstance(value, Sequence):
            yield from self._list(part, value, place, level)
        yield from self._combined(part, value, place, level)

    def _step(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise _OutOfStepsError

    def _fits(self, part: Json, value: Json, level: int) -> bool:
        return next(self.at(part, value, (), level), None) is None

    def _kind_fault(self, part: Mapping[str, Any], value: Json, place: Place) -> _Found | None:
        if "type" not in part:
            return None
        kinds = [part["type"]] if isinstance(part["type"], str) else part["type"]
        if any(_is_kind(value, kind) for kind in kinds):
            return None
        choice = _either([KINDS[kind] for kind in kinds])
        return _Found(place, f"Input should be {choice}", choice)

    def _choice_fault(self, part: Mapping[str, Any], value: Json, place: Place) -> _Found | None:
        for keyword in ("enum", "const"):
            if keyword not in part:
                continue
            choices = part[keyword] if keyword == "enum" else [part[keyword]]
            mark = (id(part), keyword)  # a part belongs to the schema, which outlives the check
            if mark not in self._choices:
                self._choices[mark] = frozenset(_identity(one, _nothing) for one in choices)
            if _identity(value, self._step) not in self._choices[mark]:
                if (
                    mark not in self._choice_texts
                ):  # choices may be long, and alternatives tell them to nobody
                    shown = [_shown(one) for one in choices[:_SHOWN_CHOICES]]
                    self._choice_texts[mark] = _either(shown, len(choices) - _SHOWN_CHOICES)
                choice = self._choice_texts[mark]
                return _Found(place, f"Input should be {choice}", choice)
        return None

    def _finds(self, source: str, text: str) -> bool:
        pattern = self.schema.patterns.get(source)
        if pattern is None:  # one that can't be used is not checked
            return True
        self._step(1 + pattern.cost_of(text) // _PATTERN_STEPS_PER_STEP)
        return pattern.is_found_in(text)

    def _text(self, part: Mapping[str, Any], value: str, place: Place) -> Iterator[_Found]:
        least, most = part.get("minLength"), part.get("maxLength")
        if least is not None and len(value) < least:
            yield _Found(place, f"String should have at least {_counted(least, 'character')}")
        if most is not None and len(value) > most:
            yield _Found(place, f"String should have at most {_counted(most, 'character')}")
        elif "pattern" in part and not self._finds(part["pattern"], value):
            yield _Found(place, f"String should match pattern {part['pattern'][:_SHOWN_CHARACTERS]!r}")

    def _object(
        self, part: Mapping[str, Any], value: Mapping[str, Json], place: Place, level: int
    ) -> Iterator[_Found]:
        yield from self._names(part, value, place, level)
        known = part.get("properties", {})
        by_pattern = part.get("patternProperties", {})
        others = part.get("additionalProperties", True)
        if not known and not by_pattern and others is True:
            return
        for name, held in value.items():
            self._step(1 + len(by_pattern))
            inside = (*place, name)
            parts = [known[name]] if name in known else []
            # A pattern that can't be used may mean any name, so it excuses the name and checks nothing.
            matching = [source for source in by_pattern if self._finds(source, name)]
            parts += [by_pattern[source] for source in matching if source in self.schema.patterns]
            if parts or matching:
                for one in parts:
                    yield from self.at(one, held, inside, level + 1)
            elif others is False:
                yield _Found(inside, _UNKNOWN, known=known)
            else:
                yield from self.at(others, held, inside, level + 1)

    def _names(
        self, part: Mapping[str, Any], value: Mapping[str, Json], place: Place, level: int
    ) -> Iterator[_Found]:
        for name in part.get("required", ()):
            self._step()
            if name not in value:
                yield _Found((*place, name), "is required")
        for name, needed in part.get("dependentRequired", {}).items():
            self._step()
            if name in value:
                for other in needed:
                    self._step()
                    if other not in value:
                        yield _Found((*place, other), f"is required beside {name[:_NAME_CHARACTERS]!r}")
        least, most = part.get("minProperties"), part.get("maxProperties")
        if least is not None and len(value) < least:
            yield _Found(place, f"Object should have at least {_counted(least, 'entry')}, not {len(value)}")
        if most is not None and len(value) > most:
            yield _Found(place, f"Object should have at most {_counted(most, 'entry')}, not {len(value)}")
        if "propertyNames" in part:
            for name in value:
                for one in self.at(part["propertyNames"], name, (*place, name), level + 1):
                    yield _Found(one.place, f"has a name that does not fit: {one.message}")

    def _list(
        self, part: Mapping[str, Any], value: Sequence[Json], place: Place, level: int
    ) -> Iterator[_Found]:
        least, most = part.get("minItems"), part.get("maxItems")
        if least is not None and len(value) < least:
            yield _Found(place, f"List should have at least {_counted(least, 'item')}, not {len(value)}")
        if most is not None and len(value) > most:
            yield _Found(place, f"List should have at most {_counted(most, 'item')}, not {len(value)}")
            return  # each of them would be looked at in vain
        first = part.get("prefixItems", ())
        for index, one in enumerate(first[: len(value)]):
            yield from self.at(one, value[index], (*place, index), level + 1)
        if "items" in part and part["items"] is not True:
            for index in range(len(first), len(value)):
                yield from self.at(part["items"], value[index], (*place, index), level + 1)
        if part.get("uniqueItems") is True and len({_identity(one, self._step) for one in value}) < len(
            value
        ):
            yield _Found(place, "List should hold each item once")
        if "contains" in part:
            yield from self._contained(part, value, place, level)

    def _contained(
        self, part: Mapping[str, Any], value: Sequence[Json], place: Place, level: int
    ) -> Iterator[_Found]:
        found = sum(1 for one in value if self._fits(part["contains"], one, level + 1))
        least, most = part.get("minContains", 1), part.get("maxContains")
        if found < least:
            yield _Found(place, f"List should hold at least {_counted(least, 'item')} that it must contain")
        if most is not None and found > most:
            yield _Found(place, f"List should hold at most {_counted(most, 'item')} that it must contain")

    def _combined(self, part: Mapping[str, Any], value: Json, place: Place, level: int) -> Iterator[_Found]:
        """Yields the faults by the keywords that combine other parts."""
        inner = level + 1
        if "$ref" in part:
            yield from self.at(self.schema.parts[part["$ref"]], value, place, inner)
        for one in part.get("allOf", ()):
            yield from self.at(one, value, place, inner)
        for keyword in ("anyOf", "oneOf"):
            if keyword in part:
                yield from self._alternatives(part[keyword], value, place, inner, is_one=keyword == "oneOf")
        if "not" in part and self._fits(part["not"], value, inner):
            yield _Found(place, "has a form that this parameter must not have")
        if "if" in part:
            then = part.get("then" if self._fits(part["if"], value, inner) else "else", True)
            yield from self.at(then, value, place, inner)
        if isinstance(value, Mapping):
            for name, one in part.get("dependentSchemas", {}).items():
                self._step()
                if name in value:
                    yield from self.at(one, value, place, inner)

    def _alternatives(
        self, parts: Sequence[Json], value: Json, place: Place, level: int, *, is_one: bool
    ) -> Iterator[_Found]:
        failed: list[list[_Found]] = []
        for one in parts:
            found = list(islice(self.at(one, value, place, level), _LOOKED_AT))
            if not found and not is_one:
                return
            if found:
                failed.append(found)
        fitting = len(parts) - len(failed)
        if fitting > 1:
            yield _Found(place, f"fits {fitting} of its alternatives; it must fit exactly one")
        elif fitting == 0:
            yield from _closest(failed, place)


def _hint(found: _Found) -> str:
    """Returns the similar name of a fault that is told. Names are compared only here, because that takes no step."""
    return did_you_mean(str(found.place[-1]), found.known) if found.known else ""


def _closest(failed: Sequence[list[_Found]], place: Place) -> Iterator[_Found]:
    """Yields the faults of the alternative that the value was most likely meant for.

    Where the value has the type of none of them, one fault names all types. Where each wants another constant at one
    place, as a discriminator is, one fault names all constants.
    """
    meant = [found for found in failed if not (found[0].choice and found[0].place == place)]
    if not meant:
        choice = _either(list(dict.fromkeys(found[0].choice for found in failed)))
        yield _Found(place, f"Input should be {choice}", choice)
        return
    chosen = [next((one for one in found if one.choice), None) for found in meant]
    marks = [one for one in chosen if one is not None]
    if len(meant) > 1 and len(marks) == len(meant) and len({one.place for one in marks}) == 1:
        choice = _either(list(dict.fromkeys(one.choice for one in marks)))
        yield _Found(marks[0].place, f"Input should be {choice}", choice)
        return
    yield from min(meant, key=lambda found: (any(one.choice for one in found), len(found)))


def _nothing() -> None:
    """Counts no step: the choices of a schema are read once in a check, and a schema has a bounded size."""


def _identity(value: Json, step: Callable[[], None]) -> Hashable:
    """Returns what is equal for equal JSON values alone: 1 equals 1.0, and 1 does not equal true."""
    step()
    if isinstance(value, bool) or value is None:
        return (value,)
    if isinstance(value, Mapping):
        return frozenset((name, _identity(held, step)) for name, held in value.items())
    if isinstance(value, list | tuple):
        return ("list", *(_identity(held, step) for held in value))
    return value


def _number(part: Mapping[str, Any], value: float, place: Place) -> Iterator[_Found]:
    bounds: tuple[tuple[str, str, Callable[[float, float], bool]], ...] = (
        ("minimum", "greater than or equal to", lambda is_, bound: is_ >= bound),
        ("exclusiveMinimum", "greater than", lambda is_, bound: is_ > bound),
        ("maximum", "less than or equal to", lambda is_, bound: is_ <= bound),
        ("exclusiveMaximum", "less than", lambda is_, bound: is_ < bound),
    )
    for keyword, words, holds in bounds:
        bound = part.get(keyword)
        if bound is not None and not holds(value, bound):
            yield _Found(place, f"Input should be {words} {bound}")
    factor = part.get("multipleOf")
    if factor is not None and _leaves_rest(value, factor):
        yield _Found(place, f"Input should be a multiple of {factor}")


def _leaves_rest(value: float, factor: float) -> bool:
    if value in (math.inf, -math.inf):
        return True
    return _exact(value) % _exact(factor) != 0


def _exact(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _is_kind(value: Json, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int):
        return kind in ("integer", "number")
    if isinstance(value, float):
        return kind == "number" or (kind == "integer" and value.is_integer())
    if isinstance(value, str):
        return kind == "string"
    if value is None:
        return kind == "null"
    return kind == ("object" if isinstance(value, Mapping) else "array")


def _steps_for(value: Json) -> int:
    """Returns how many steps a check of this value may take."""
    steps, level = _LEAST_STEPS, [value]
    while level and steps < _MOST_STEPS:
        steps += _STEPS_PER_VALUE * len(level)
        steps += sum(_STEPS_PER_CHARACTER * len(one) for one in level if isinstance(one, str))
        level = [inner for outer in level for inner in _inside(outer)]
    return min(_MOST_STEPS, steps)


def _inside(value: Json) -> Iterable[Json]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _path(place: Place) -> str:
    text = ""
    for one in place:
        text += f"[{one}]" if isinstance(one, int) else f".{one[:_NAME_CHARACTERS]}"
    return text.removeprefix(".")


def _shown(value: Json) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=dict)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _either(choices: Sequence[str], more: int = 0) -> str:
    if more > 0:
        return f"{', '.join(choices)} or one of {more} more"
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))


def _counted(number: int, noun: str) -> str:
    plural = "entries" if noun == "entry" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
