"""Loads structured text: JSON, or the part of YAML that means the same as JSON. All files of users come through here.

Import this module only where there is text to load, because the YAML parser takes 35 ms to import.

YAML is read by the core schema of version 1.2, so `no` and `2026-12-01` are texts. The loader refuses everything that
JSON can't express, and names its line and column: tags, keys that are not texts, repeated keys, merges, and numbers
with leading zeros.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from tidegate.domain.errors import TidegateError, Violation

MAX_DEPTH = 200  # the API's own bound for a request's body
MAX_EXPANDED_CHARACTERS = 8 * 1024 * 1024  # the most that aliases may add; the API takes about 5 MB
_MAX_NAMED_PLACES = 50
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the parser in C, where PyYAML has it
_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq")}
_TEXT_TAG = "tag:yaml.org,2002:str"
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile("[-+]?[0-9]+")
_OTHER_BASE = re.compile("0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# Text like this was meant as JSON. YAML would accept it without a comma, and read two values as one text.
_MEANT_AS_JSON = re.compile(r'\s*[{\[]\s*(?:["{\[]|\Z)')
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_TAB = "a line is indented with a tab, not with spaces,"


class MalformedText(TidegateError):
    """The error for text that is neither JSON nor YAML, or holds a value that JSON can't express.

    `violations` names each number that is too large, if that is the fault.
    """

    code = "malformed-text"

    def __init__(self, message: str, violations: Sequence[Violation] = ()) -> None:
        self.violations = tuple(violations)
        super().__init__(message)


def load(text: str, name: str, *, whole_numbers_name: bool = False) -> object:
    """Returns the value in `text`. The ending of the file name `name` decides between JSON and YAML.

    Without such an ending JSON is tried first, then YAML, unless the text begins like JSON. With `whole_numbers_name`,
    a name in an object may be a whole number, which becomes text.

    Raises MalformedText, which names the line and column, or the field.
    """
    if not text.strip():
        raise MalformedText(f"{name} is empty")
    ending = name.rpartition(".")[2].lower()
    if ending in ("yaml", "yml"):
        value = _load_yaml(text, f"{name} is not YAML", whole_numbers_name=whole_numbers_name)
    else:
        value = _load_json_or_yaml(text, name, only_json=ending == "json")
    _refuse_depth_and_infinity(value, name)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise MalformedText(f"{name} holds half of a surrogate pair, which is not a character") from error
    return value


def _load_json_or_yaml(text: str, name: str, *, only_json: bool) -> object:
    try:
        value: object = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeated_names
        )
    except json.JSONDecodeError as error:
        not_json = f"{name} is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        if only_json or _MEANT_AS_JSON.match(text):
            raise MalformedText(not_json) from error
        return _load_yaml(text, f"{name} is neither JSON nor YAML")
    except RecursionError as error:
        raise MalformedText(f"{name} is nested too deeply") from error
    except ValueError as error:
        raise MalformedText(f"{name} is not valid: {error}") from error
    return value


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not allowed")


def _refuse_repeated_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Returns an object. Refuses one that has a name twice, because one of the two values would be lost silently."""
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"an object has {name!r} twice")
            seen.add(name)
    return made


def _refuse_depth_and_infinity(value: object, name: str) -> None:
    """Refuses a value that is nested too deeply, and numbers such as 1e400.

    Python reads such a number as infinity, which JSON can't express.
    """
    infinite: list[str] = []
    left = [(value, "", 0)]
    while left:  # ends, because the value is finite
        held, at, depth = left.pop()
        if isinstance(held, float) and not math.isfinite(held):
            infinite.append(at or "the document")
        elif isinstance(held, dict | list) and depth >= MAX_DEPTH:
            raise MalformedText(f"{name} is nested too deeply; at most {MAX_DEPTH} levels")
        elif isinstance(held, dict):
            left += [(inner, f"{at}.{key}" if at else str(key), depth + 1) for key, inner in held.items()]
        elif isinstance(held, list):
            left += [(inner, f"{at}[{index}]", depth + 1) for index, inner in enumerate(held)]
    if infinite:
        message = "is too large a number; at most 1.7e308"
        violations = [Violation(place, message) for place in sorted(infinite)[:_MAX_NAMED_PLACES]]
        raise MalformedText(f"{name}: {violations[0].field} {message}", violations=violations)


@dataclass(slots=True)
class _Open:
    """A list or an object that is being read. `key` is the name of the value that comes next in an object.

    `weight` is its size in characters, with aliases written out.
    """

    value: list[Any] | dict[str, Any]
    anchor: str | None
    weight: int = 1
    key: str | None = None
    has_key: bool = False


@dataclass(slots=True)
class _Builder:
    """Builds the value from the parser's events, without recursion."""

    intro: str
    whole_numbers_name: bool = False
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    documents: list[Any] = field(default_factory=list)
    expanded: int = 0

    def take(self, event: Any) -> None:
        """Adds the next event of the parser. Raises MalformedText if JSON has nothing that means the same."""
        if isinstance(event, yaml.DocumentStartEvent) and self.documents:
            raise self._error(event, "holds a second document; submit one at a time")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self._error(event, f"*{event.anchor} refers to no value that ended before it")
            value, weight = self.anchors[event.anchor]
            self.expanded += weight
            if self.expanded > MAX_EXPANDED_CHARACTERS:
                raise self._error(event, "aliases make it too large; write less with them")
            self._add(event, value, weight)
        elif isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
            weight = 1 + len(event.value)
            if event.anchor:
                self.anchors[event.anchor] = (value, weight)
            self._add(event, value, weight)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._check_tag(event)
            if len(self.open) >= MAX_DEPTH:
                raise self._error(event, f"is nested too deeply; at most {MAX_DEPTH} levels")
            self._refuse_as_key(event)
            self.open.append(_Open([] if isinstance(event, yaml.SequenceStartEvent) else {}, event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self.open.pop()
            if ended.anchor:
                self.anchors[ended.anchor] = (ended.value, ended.weight)
            self._add(event, ended.value, ended.weight)

    def _add(self, event: Any, value: Any, weight: int) -> None:
        if not self.open:
            self.documents.append(value)
            return
        inside = self.open[-1]
        inside.weight += weight
        if isinstance(inside.value, list):
            inside.value.append(value)
        elif inside.has_key:
            inside.value[str(inside.key)] = value
            inside.has_key = False
        else:
            inside.key, inside.has_key = self._key(event, value, inside.value), True

    def _key(self, event: Any, value: Any, names: dict[str, Any]) -> str:
        if self.whole_numbers_name and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        self._refuse_as_key(event, value)
        if value == "<<":
            raise self._error(event, "<< merges are not supported; write the fields out")
        if value in names:
            raise self._error(event, f"an object has {value!r} twice")
        return str(value)

    def _refuse_as_key(self, event: Any, value: Any = None) -> None:
        inside = self.open[-1] if self.open else None
        if inside is None or isinstance(inside.value, list) or inside.has_key or isinstance(value, str):
            return
        raise self._error(event, "a name in an object must be text; put it in quotation marks")

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _TAGS:
            raise self._error(event, f"the tag {event.tag} is not supported")

    def _scalar(self, event: Any) -> Any:
        self._check_tag(event)
        text: str = event.value
        if event.style or event.tag == _TEXT_TAG:  # quoted, or a block
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _NO_NUMBER.fullmatch(text):
            raise self._error(event, f"{text} is not a number in JSON")
        if _OTHER_BASE.fullmatch(text):
            return int(text, 0)
        if not _FLOAT.fullmatch(text):
            return text
        if _LEADING_ZERO.match(text):
            raise self._error(
                event,
                f"{text[:40]} may be a number or a text; put it in quotation marks, or leave its zeros out",
            )
        try:
            return int(text) if _INTEGER.fullmatch(text) else float(text)
        except ValueError as error:  # thousands of digits
            raise self._error(event, f"{text[:40]}… has too many digits") from error

    def _error(self, event: Any, problem: str) -> MalformedText:
        mark = event.start_mark
        return MalformedText(f"{self.intro}: {problem} at line {mark.line + 1} column {mark.column + 1}")


def _is_at_tab(text: str, mark: Any) -> bool:
    marked = text.splitlines()[mark.line : mark.line + 1]
    return bool(marked) and marked[0].startswith("\t", mark.column)


def _load_yaml(text: str, intro: str, *, whole_numbers_name: bool = False) -> object:
    builder = _Builder(intro, whole_numbers_name)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.reader.ReaderError as error:
        raise MalformedText(f"{intro}: the character {error.character!r} is not allowed") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        said = _TAB if mark and _is_at_tab(text, mark) else error.problem or error.context
        raise MalformedText(f"{intro}: {said}{place}") from error
    except yaml.YAMLError as error:
        raise MalformedText(f"{intro}: {error}") from error
    except UnicodeEncodeError as error:
        raise MalformedText(f"{intro}: half of a surrogate pair is not a character") from error
    if not builder.documents:
        raise MalformedText(f"{intro}: it is empty")
    found: object = builder.documents[0]
    return found
