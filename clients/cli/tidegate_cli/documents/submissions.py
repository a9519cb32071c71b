"""Reads the files that users submit: a job, a workflow, or a recorded workflow in WfFormat."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tidegate_cli.documents.structures import load
from tidegate_cli.documents.wfformat import is_wfformat, to_workflow
from tidegate_cli.errors import MalformedFile, OptionError

MAX_BYTES = 64 * 1024 * 1024  # far more than the API takes: a wrong file must not fill the memory
DEFAULT_SPEED = 60.0


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content as a request: the body to send, and whether it is a workflow or a single job."""

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
    """Reads the file `name` (`-` is standard input), and recognises by its content what it holds.

    `speed` is how many times as fast as recorded a trace in WfFormat is replayed (above 0; DEFAULT_SPEED unless given).
    `pool` and `priority` are for the jobs that name none. `critical_path_weight` is for workflows only.

    Raises MalformedFile (or WfFormatError) if the file can't be read or is not valid, and OptionError if an option has
    no meaning for this file.
    """
    shown = "standard input" if name == "-" else name
    value = load(read_text(name), shown)
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
    """Returns a parsed file as a Document. `name` stands for the file in messages.

    A trace in WfFormat becomes a workflow that runs `speed` times as fast. Raises WfFormatError for a trace that is not
    valid, and MalformedFile if `value` is neither a job, nor a workflow, nor a trace.
    """
    if is_wfformat(value):
        return Document(to_workflow(value, speed=speed, pool=pool, priority=priority), is_workflow=True)
    if not isinstance(value, Mapping):
        raise MalformedFile(f"{name} does not hold an object; a job has a `type`, a workflow has `jobs`")
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


def read_text(name: str) -> str:
    """Returns the text of the file `name`; `-` is standard input. Raises MalformedFile if it can't be read."""
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
