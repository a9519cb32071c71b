"""Files that name what to submit: a job, a workflow, or a recorded workflow in WfFormat."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tidegate_cli.errors import MalformedFile, OptionError
from tidegate_cli.structures import load
from tidegate_cli.wfformat import is_wfformat, to_workflow

MAX_BYTES = 64 * 1024 * 1024  # far above what the API takes; keeps a wrong file from filling the memory
DEFAULT_SPEED = 60.0


@dataclass(frozen=True, slots=True)
class Document:
    """What a file asks for: the body to send, and whether it is a workflow's or a single job's."""

    body: dict[str, Any]
    is_workflow: bool


def read_document(
    name: str,
    *,
    speed: float | None,
    pool: str | None,
    priority: int | None,
    critical_path_weight: float | None = None,
) -> Document:
    """Reads a file, or standard input for `-`; what it is shows in its content.

    `speed` is that of a replay, DEFAULT_SPEED unless given. Raises UsageError: the file can't be read or is not right,
    or an option means nothing for what is in it.
    """
    shown = "standard input" if name == "-" else name
    value = load(_read(name), shown)
    if speed is not None and not is_wfformat(value):
        raise OptionError("--speed", f"is for traces in WfFormat, and {shown} is none: leave it out")
    if speed is not None and not (math.isfinite(speed) and speed > 0):
        raise OptionError(
            "--speed", f"is {speed:g}; it must be a number above 0: 60 replays a minute in a second"
        )
    document = to_document(
        value, shown, speed=DEFAULT_SPEED if speed is None else speed, pool=pool, priority=priority
    )
    if critical_path_weight is None:
        return document
    if not document.is_workflow:
        raise OptionError(
            "--critical-path-weight", f"is for workflows, and {shown} is a single job: leave it out"
        )
    return replace(document, body={**document.body, "critical_path_weight": critical_path_weight})


def to_document(
    value: object, name: str, *, speed: float, pool: str | None, priority: int | None
) -> Document:
    """Recognises a parsed document; raises MalformedFile where it is none of the three."""
    if is_wfformat(value):
        return Document(to_workflow(value, speed=speed, pool=pool, priority=priority), is_workflow=True)
    if not isinstance(value, Mapping):
        raise MalformedFile(f"{name} holds no object; a job has a `type`, a workflow has `jobs`")
    if "jobs" not in value and "type" not in value:
        raise MalformedFile(
            f"{name} is neither a job (it has no `type`), nor a workflow (no `jobs`), "
            "nor WfFormat (no `workflow`)"
        )
    body = dict(value)
    if pool is not None:
        body["pool"] = pool
    if priority is not None:
        body["priority"] = priority
    return Document(body, is_workflow="jobs" in value)


def _read(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1) if name == "-" else _read_file(Path(name))
        if len(raw) > MAX_BYTES:
            raise MalformedFile(
                f"{name} is larger than {MAX_BYTES:,} bytes; the API takes about 5 MB; submit several workflows"
            )
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedFile(f"{name} is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise MalformedFile(f"cannot read {name}: {error.strerror or error}") from error


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
