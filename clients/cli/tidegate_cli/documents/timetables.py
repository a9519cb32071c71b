"""Reads the files that users make timetables of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate_cli.documents.structures import load
from tidegate_cli.documents.submissions import read_text
from tidegate_cli.documents.wfformat import is_wfformat
from tidegate_cli.errors import MalformedFile


def read_timetable(name: str, *, needs_template: bool) -> dict[str, Any]:
    """Reads the file `name` (`-` is standard input), and returns the body that the API takes.

    The file holds a timetable, with its template under `job` or `workflow`, or the job or the workflow alone. With
    `needs_template` it must have one. Raises MalformedFile.
    """
    shown = "standard input" if name == "-" else name
    value = load(read_text(name), shown)
    if is_wfformat(value):
        raise MalformedFile(f"{shown} is a trace in WfFormat; a timetable takes a job or a workflow")
    if not isinstance(value, Mapping):
        raise MalformedFile(f"{shown} does not hold an object; a timetable has a `job` or a `workflow`")
    if "jobs" in value:
        return {"workflow": dict(value)}
    if "type" in value:
        return {"job": dict(value)}
    if needs_template and "job" not in value and "workflow" not in value:
        raise MalformedFile(
            f"{shown} is neither a timetable (it has no `job` and no `workflow`), nor a job (no `type`), "
            "nor a workflow (no `jobs`)"
        )
    return dict(value)
