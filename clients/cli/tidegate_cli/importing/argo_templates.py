"""Argo's templates that run something: containers and scripts, with their retries, time limits and amounts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain import limits
from tidegate_cli.importing.fields import note_unknown
from tidegate_cli.importing.lined import Lined
from tidegate_cli.importing.model import (
    Command,
    Effect,
    ImportRefused,
    Notes,
    amount_requirements,
    bounded_retries,
    bounded_timeout,
)
from tidegate_cli.importing.replacing import replaced_between

MAX_TEXT_CHARACTERS = 256 * 1024
_DURATION = re.compile(r"(?:([0-9.]+)h)?(?:([0-9.]+)m)?(?:([0-9.]+)s?)?")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|[KMGT]i?)?")
_BYTES = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_TAKES_TEXT = ("sh", "bash", "dash", "zsh", "ash", "python", "python3", "python2")  # `-c` runs their argument
_FROM_A_FILE = 'f=$(mktemp) && printf %s "$1" > "$f" && shift && "$@" "$f"; code=$?; rm -f "$f"; exit $code'
_TEMPLATE_FIELDS = {"name", "container", "script", "inputs", "metadata", "retryStrategy"} | {
    "activeDeadlineSeconds",
    "timeout",
    "synchronization",
    "dag",
    "steps",
}
_CONTAINER_FIELDS = {"command", "args", "image", "env", "name", "source", "workingDir", "resources"}
_OTHER_KINDS = ("resource", "suspend", "http", "containerSet", "data", "plugin")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A template that runs a command. It does nothing without one."""

    command: Command | None
    timeout_seconds: int | None = None
    max_retries: int = 0
    backoff_seconds: int | None = None
    max_backoff_seconds: int | None = None
    requires: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    mutex: str | None = None


def substituted(text: str, values: Mapping[str, str], notes: Notes, at: Lined, *, tell: bool = True) -> str:
    """Returns a text with the values of its variables. An unknown one stays, and `tell` says so in a note."""

    def value(inside: str) -> str:
        known = values.get(inside.strip())
        if known is not None:
            return known
        if tell:
            notes.add(
                at.line,
                f"{{{{{inside}}}}}",
                Effect.UNFINISHED,
                "its value is known only when Argo runs the workflow",
                "replace it in targets.yaml, or give it with --set",
            )
        return f"{{{{{inside}}}}}"

    made = replaced_between(text, "{{", "}}", value)
    if len(made) > MAX_TEXT_CHARACTERS:
        raise ImportRefused(
            notes.file,
            at.line,
            f"a text is longer than {MAX_TEXT_CHARACTERS:,} characters with its variables",
        )
    return made


def leaf_of(template: Lined, values: Mapping[str, str], notes: Notes) -> Leaf:
    """Returns a template without a graph as a leaf. A kind that can't be carried over does nothing, with a note."""
    kind = next((name for name in _OTHER_KINDS if template.get(name) is not None), None)
    note_unknown(template, _TEMPLATE_FIELDS | set(_OTHER_KINDS), notes)
    label = template.get("name")
    name = (None if label is None else label.text()) or "task"
    part = template.get("container") or template.get("script")
    if part is None:
        notes.add(
            template.line,
            f"{name}: {kind or 'no container'}",
            Effect.LEFT_OUT,
            "only containers and scripts have a command; the job does nothing and keeps the order",
            "write a target that does the same",
        )
    command = None if part is None else _command(part, name, values, notes)
    _note_artifacts(template, notes)
    retry = _retries(template.get("retryStrategy"), values, notes)
    deadline = template.get("activeDeadlineSeconds") or template.get("timeout")
    seconds = None if deadline is None else _seconds(deadline, values, notes)
    timeout = (
        None
        if seconds is None or deadline is None
        else bounded_timeout(seconds, notes, deadline.line, f"{deadline.path[-1]}: {deadline.text()}")
    )
    labels = template.at("metadata", "labels")
    tags = {} if labels is None else {key: value.text() or "" for key, value in labels.fields()}
    mutex = template.at("synchronization", "mutex", "name")
    synchronization = template.get("synchronization")
    if synchronization is not None:
        note_unknown(synchronization, {"mutex"}, notes)
    requires = () if part is None else _amounts(part.get("resources"), notes)
    return Leaf(command, timeout, *retry, requires, tags, None if mutex is None else mutex.text())


def _command(part: Lined, name: str, values: Mapping[str, str], notes: Notes) -> Command | None:
    note_unknown(part, _CONTAINER_FIELDS, notes)
    image = part.get("image")
    if image is not None:
        notes.add(
            image.line,
            f"image: {image.text()}",
            Effect.LEFT_OUT,
            "a command runs in the worker's own environment",
            "build the worker's image with the programs that the command needs",
        )
    argv = [*_texts(part.get("command"), values, notes)]
    source, folder = part.get("source"), part.get("workingDir")
    if source is not None:
        text = substituted(str(source.text()), values, notes, source)
        program = argv[0].rpartition("/")[2] if argv else ""
        # Argo passes the source as a file.
        from_a_file = ["sh", "-c", _FROM_A_FILE, "sh", text, *argv]
        argv = [*argv, "-c", text] if program in _TAKES_TEXT else from_a_file
    elif not argv:
        notes.add(
            part.line,
            name,
            Effect.UNFINISHED,
            "the program is the image's own, which the file does not name",
            "write the program before the arguments in targets.yaml",
        )
    argv += _texts(part.get("args"), values, notes)
    if not argv:
        return None
    pairs = _environment(part.get("env"), values, notes)
    if folder is not None and folder.text():
        argv = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(folder.text()), *argv]
    return Command(tuple(["env", *pairs, *argv] if pairs else argv), name)


def _texts(part: Lined | None, values: Mapping[str, str], notes: Notes) -> list[str]:
    listed = () if part is None else part.items()
    return [substituted(each.text() or "", values, notes, each) for each in listed]


def _environment(part: Lined | None, values: Mapping[str, str], notes: Notes) -> list[str]:
    pairs = []
    for variable in () if part is None else part.items():
        name, value = variable.get("name"), variable.get("value")
        text = None if value is None else value.text()
        if name is None or text is None:
            notes.add(
                variable.line,
                f"env {'' if name is None else name.text()}",
                Effect.LEFT_OUT,
                "its value comes from the cluster",
                "set it in the environment of the worker's job code",
            )
            continue
        pairs.append(f"{name.text()}={substituted(text, values, notes, variable)}")
    return pairs


def _note_artifacts(template: Lined, notes: Notes) -> None:
    artifacts = template.at("inputs", "artifacts")
    for artifact in () if artifacts is None else artifacts.items():
        name = artifact.get("name")
        notes.add(
            artifact.line,
            f"artifact {'' if name is None else name.text()}",
            Effect.LEFT_OUT,
            "tidegate copies no files between machines",
            "let the command fetch it, or share a file system",
        )


def _retries(
    part: Lined | None, values: Mapping[str, str], notes: Notes
) -> tuple[int, int | None, int | None]:
    """Returns the retries, and the first and the longest wait before one, in seconds."""
    if part is None:
        return 0, None, None
    note_unknown(part, {"limit", "backoff", "retryPolicy"}, notes)
    policy, limit, backoff = part.get("retryPolicy"), part.get("limit"), part.get("backoff")
    if policy is not None and policy.text() not in ("Always", "OnFailure"):
        notes.add(
            policy.line,
            f"retryPolicy: {policy.text()}",
            Effect.CHANGED,
            "tidegate retries every failure, unless the error's code says otherwise",
            "list codes in `retry` of the job, or exit codes in targets.yaml",
        )
    text = "" if limit is None else substituted(str(limit.text()), values, notes, limit)
    number = int(text) if text.isdigit() and len(text) < 10 else limits.MAX_RETRIES
    if limit is None or not text.isdigit():
        notes.add(
            part.line,
            f"retryStrategy limit: {text or 'none'}",
            Effect.CHANGED,
            f"a job has {limits.MAX_RETRIES} retries at most",
            "choose the number in workflow.yaml",
        )
    retries = bounded_retries(number, notes, part.line, f"limit: {text}")
    if backoff is None:
        return retries, None, None
    note_unknown(backoff, {"duration", "factor", "cap"}, notes)
    factor, duration, cap = backoff.get("factor"), backoff.get("duration"), backoff.get("cap")
    if factor is None or factor.text() not in ("2", "2.0"):
        notes.add(
            backoff.line,
            f"factor: {None if factor is None else factor.text()}",
            Effect.CHANGED,
            "a wait before a retry is random, and its bound doubles each time",
            "choose backoff_seconds and max_backoff_seconds of the job",
        )
    first = None if duration is None else _seconds(duration, values, notes)
    longest = None if cap is None else _seconds(cap, values, notes)
    return retries, _wait(first), _wait(longest)


def _wait(seconds: float | None) -> int | None:
    return None if seconds is None else int(min(-(-seconds // 1), limits.MAX_BACKOFF_SECONDS))


def _seconds(part: Lined, values: Mapping[str, str], notes: Notes) -> float | None:
    text = substituted(str(part.text()), values, notes, part)
    match = _DURATION.fullmatch(text)
    try:
        if match is None or not any(match.groups()):
            raise ValueError
        hours, minutes, seconds = (float(group or 0) for group in match.groups())
    except ValueError:
        notes.add(
            part.line,
            f"{part.path[-1]}: {text}",
            Effect.LEFT_OUT,
            "it is no duration such as 30s or 1h30m",
            "write the seconds into workflow.yaml",
        )
        return None
    return hours * 3_600 + minutes * 60 + seconds


def _amounts(resources: Lined | None, notes: Notes) -> tuple[str, ...]:
    if resources is None:
        return ()
    asked = resources.get("limits") or resources.get("requests")
    cores = None if asked is None else _quantity(asked.get("cpu"))
    memory = None if asked is None else _quantity(asked.get("memory"))
    for name, value in () if asked is None else asked.fields():
        if name not in ("cpu", "memory"):
            notes.add(
                value.line,
                f"{name}: {value.text()}",
                Effect.LEFT_OUT,
                "tidegate counts no such amounts",
                "name a pool that has it in `pool` or `requires` of the job",
            )
    return amount_requirements(cores, None if memory is None else memory / 2**20)


def _quantity(part: Lined | None) -> float | None:
    match = None if part is None else _QUANTITY.fullmatch(str(part.text()))
    if match is None:
        return None
    factor: Any = 1e-3 if match[2] == "m" else _BYTES.get(match[2] or "", 1.0)
    return float(match[1]) * float(factor)
