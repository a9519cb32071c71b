"""Reads YAML together with the lines of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tidegate_cli.documents.structures import load

Path = tuple[str | int, ...]
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Lined:
    """A part of a document: its value, and its path in the document, by which its line is found."""

    value: Any
    path: Path
    lines: Mapping[Path, int]

    @property
    def line(self) -> int | None:
        """The line of this part, or of the nearest part around it where an alias stands for it."""
        path = self.path
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def get(self, name: str) -> Lined | None:
        """Returns a field of an object, or None if this is no object or lacks the field or has null there."""
        if not isinstance(self.value, dict) or self.value.get(name) is None:
            return None
        return Lined(self.value[name], (*self.path, name), self.lines)

    def at(self, *names: str) -> Lined | None:
        """Returns a field of a field, and so on, or None where there is none."""
        found: Lined | None = self
        for name in names:
            found = None if found is None else found.get(name)
        return found

    def items(self) -> Sequence[Lined]:
        """Returns the elements of a list; anything else has none."""
        if not isinstance(self.value, list):
            return ()
        return [Lined(value, (*self.path, index), self.lines) for index, value in enumerate(self.value)]

    def fields(self) -> Sequence[tuple[str, Lined]]:
        """Returns the fields of an object; anything else has none."""
        if not isinstance(self.value, dict):
            return ()
        return [(name, Lined(value, (*self.path, name), self.lines)) for name, value in self.value.items()]

    def text(self) -> str | None:
        """Returns a text, number or truth value as text, as the source's templates would write it; else None."""
        value = self.value
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else None


def load_lined(text: str, name: str) -> Lined:
    """Returns the root of a YAML or JSON document. Raises MalformedFile as `load` does."""
    value = load(text, name if name.endswith((".yaml", ".yml", ".json")) else f"{name}.yaml")
    return Lined(value, (), _lines(text))


@dataclass(slots=True)
class _Open:
    """A list or an object that is being read: the index of the next element, or the name of the next value."""

    path: Path
    is_list: bool
    index: int = 0
    name: str | None = None


def _lines(text: str) -> dict[Path, int]:
    """Returns the line of every part, by path. Fields have the line of their name. Works without recursion."""
    found: dict[Path, int] = {}
    open_parts: list[_Open] = []
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            open_parts.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        line = event.start_mark.line + 1
        path: Path = ()
        if open_parts:
            part = open_parts[-1]
            if part.is_list:
                path = (*part.path, part.index)
                part.index += 1
            elif part.name is None:
                part.name = str(getattr(event, "value", ""))
                found[(*part.path, part.name)] = line
                continue
            else:
                path, part.name = (*part.path, part.name), None
        found.setdefault(path, line)
        if isinstance(event, yaml.CollectionStartEvent):
            open_parts.append(_Open(path, isinstance(event, yaml.SequenceStartEvent)))
    return found
