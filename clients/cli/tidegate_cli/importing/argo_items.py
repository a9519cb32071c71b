"""The items of Argo's loops: withItems, withParam and withSequence."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tidegate_cli.importing.argo_templates import substituted
from tidegate_cli.importing.fields import note_unknown
from tidegate_cli.importing.lined import Lined
from tidegate_cli.importing.model import Effect, ImportRefused, Notes, refuse_too_many


def items_of(task: Lined, values: Mapping[str, str], notes: Notes) -> list[dict[str, str]] | None:
    """Returns the values of `item` for each use of a task that is used for several items; else None."""
    listed, parameter, sequence = task.get("withItems"), task.get("withParam"), task.get("withSequence")
    if listed is not None:
        found = list(listed.value) if isinstance(listed.value, list) else None
    elif parameter is not None:
        found = _json_list(substituted(str(parameter.text()), values, notes, parameter, tell=False))
    elif sequence is not None:
        found = _sequence(sequence, values, notes)
    else:
        return None
    at = listed or parameter or sequence
    if found is None:
        notes.add(
            None if at is None else at.line,
            f"{at.path[-1] if at else ''}: {at.text() if at else ''}",
            Effect.UNFINISHED,
            "the items are known only when Argo runs the workflow; one job is made",
            "write the jobs into workflow.yaml, or give the list with --set",
        )
        return None
    refuse_too_many(len(found), notes.file, None if at is None else at.line)
    return [_item_values(item) for item in found]


def _json_list(text: str) -> list[object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def _item_values(item: object) -> dict[str, str]:
    def text(value: object) -> str:
        return value if isinstance(value, str) else json.dumps(value)

    found = {"item": text(item)}
    if isinstance(item, dict):
        found |= {f"item.{name}": text(value) for name, value in item.items()}
    return found


def _sequence(sequence: Lined, values: Mapping[str, str], notes: Notes) -> list[object] | None:
    note_unknown(sequence, {"count", "start", "end", "format"}, notes)

    def number(name: str, default: int | None) -> int | None:
        part = sequence.get(name)
        if part is None:
            return default
        text = substituted(str(part.text()), values, notes, part, tell=False)
        return int(text) if text.lstrip("-").isdigit() and len(text) < 10 else None

    start, count = number("start", 0), number("count", -1)
    end = number("end", None if count is None or start is None else start + count - 1)
    if start is None or end is None or count is None:
        return None
    refuse_too_many(abs(end - start) + 1, notes.file, sequence.line)
    if sequence.get("count") is not None and count == 0:
        return []
    numbers = range(start, end + 1) if end >= start else range(start, end - 1, -1)
    shape = sequence.get("format")
    try:
        return [str(each) if shape is None else str(shape.text()) % each for each in numbers]
    except (TypeError, ValueError) as error:
        raise ImportRefused(
            notes.file, sequence.line, "`format` is not a format of one number, such as %03d"
        ) from error
