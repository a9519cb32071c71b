"""Files that name what to submit: a job, a workflow, or a recorded workflow in WfFormat."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tidegate_cli.errors import UsageError
from tidegate_cli.wfformat import is_wfformat, to_workflow

MAX_BYTES = 64 * 1024 * 1024  # far above what the API takes; keeps a wrong file from filling the memory


@dataclass(frozen=True, slots=True)
class Document:
    """What a file asks for: the body to send, and whether it is a workflow's or a single job's."""

    body: dict[str, Any]
    is_workflow: bool


def read_document(
    name: str,
    *,
    speed: float,
    pool: str | None,
    priority: int | None,
    critical_path_weight: float | None = None,
) -> Document:
    """Reads a file, or standard input for `-`; what it is shows in its content.

    `speed` counts for WfFormat only. `pool` and `priority` replace what the document says for all jobs
    together (jobs of a workflow that name their own keep it), and so does `critical_path_weight` (points per second,
    0-1000), which a single job can't have. Raises UsageError.
    """
    shown = "standard input" if name == "-" else name
    document = to_document(parse(_read(name), shown), shown, speed=speed, pool=pool, priority=priority)
    if critical_path_weight is None:
        return document
    if not document.is_workflow:
        raise UsageError(f"{shown} is a single job; --critical-path-weight is for workflows: leave it out")
    return replace(document, body={**document.body, "critical_path_weight": critical_path_weight})


def parse(text: str, name: str) -> object:
    """The JSON in `text`; raises UsageError that names the place."""
    try:
        value: object = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeated_names
        )
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{name} is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        ) from error
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} holds half of a surrogate pair, which is no character") from error
    except RecursionError as error:
        raise UsageError(f"{name} is nested too deeply") from error
    except ValueError as error:
        raise UsageError(f"{name} is not right: {error}") from error
    return value


def to_document(
    value: object, name: str, *, speed: float, pool: str | None, priority: int | None
) -> Document:
    """Recognises a parsed document; raises UsageError where it is none of the three."""
    if is_wfformat(value):
        return Document(to_workflow(value, speed=speed, pool=pool, priority=priority), is_workflow=True)
    if not isinstance(value, Mapping):
        raise UsageError(f"{name} holds no JSON object; a job has a `type`, a workflow has `jobs`")
    if "jobs" not in value and "type" not in value:
        raise UsageError(
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
            raise UsageError(
                f"{name} is larger than {MAX_BYTES:,} bytes; the API takes about 5 MB; submit several workflows"
            )
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from error


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not allowed")


def _refuse_repeated_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; one that has a name twice says two things, and one would get lost unseen."""
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"an object has {name!r} twice")
            seen.add(name)
    return made
