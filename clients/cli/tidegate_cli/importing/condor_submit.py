"""Reads HTCondor submit descriptions. Source of the rules: the HTCondor manual, condor_submit."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate_cli.importing.model import Effect, ImportRefused, Notes

MAX_QUEUED = 1_000
MAX_MACRO_DEPTH = 20
MAX_LINE_CHARACTERS = 64 * 1024
_SETTING = re.compile(r"([+A-Za-z_][\w.+-]*)\s*=(.*)", re.DOTALL)
_MACRO = re.compile(r"\$\((\w[\w.]*)(?::([^()$]*))?\)")
_AMOUNT = re.compile(r"([0-9.]+)\s*([KMGT]?)B?", re.IGNORECASE)
_MEGABYTES = {"": 1.0, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0 * 1024}
# Settings that concern how HTCondor works, or that have their own place here.
_READ = {
    "executable",
    "arguments",
    "args",
    "environment",
    "env",
    "input",
    "output",
    "error",
    "initialdir",
} | {
    "request_cpus",
    "request_memory",
    "max_retries",
    "allowed_job_duration",
    "allowed_execute_duration",
}
_REASONS = {
    "log": ("tidegate keeps each job's history itself", "nothing: tidegate jobs get shows it"),
    "notification": (
        "tidegate sends no mail",
        "follow the workflow, or let something act on the stack's events",
    ),
    "universe": (
        "a command runs in the worker's own environment",
        "choose workers that have what the job needs",
    ),
    "requirements": ("tidegate knows pools, not machines", "name a pool or capabilities in the job"),
    "request_disk": (
        "tidegate counts no disk space",
        "choose a pool that has it in `pool` or `requires` of the job",
    ),
    "request_gpus": (
        "tidegate counts no such amounts",
        "choose a pool that has it in `pool` or `requires` of the job",
    ),
}
_FILES = ("tidegate copies no files between machines", "run the workers where the command finds the files")
_OTHER = ("it has no counterpart", "see whether the job needs it")


@dataclass(frozen=True, slots=True)
class Submit:
    """The part of a submit description that a job is made of. `argv` has a shell only where files are redirected."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    cores: float | None
    memory_mb: float | None
    max_retries: int | None
    seconds: float | None
    queued: int


@dataclass(slots=True)
class _Description:
    file: str
    notes: Notes
    settings: dict[str, tuple[int, str]] = field(default_factory=dict)
    queued: int = 1


def read_submit(text: str, file: str, notes: Notes, macros: Mapping[str, str], folder: str | None) -> Submit:
    """Returns a submit description with its macros replaced. `folder` is the DIR of the node. Raises ImportRefused.

    `macros` are the variables of a DAG's node, which win over equal names in the description.
    """
    description = _Description(file, notes)
    _read_lines(text, description)
    named = {name.lower(): value for name, value in macros.items()}

    def value(name: str) -> str | None:
        known = description.settings.get(name)
        return None if known is None else _replaced(known[1], description, named, known[0])

    executable = value("executable")
    if not executable:
        raise ImportRefused(file, None, "has no `executable`; name the program")
    arguments = value("arguments") if "arguments" in description.settings else value("args")
    argv = (beside(executable), *split_arguments(arguments or "", file, _line(description, "arguments")))
    environment = value("environment") if "environment" in description.settings else value("env")
    used = {match[1].lower() for match in _MACRO.finditer(text)}
    for name in description.settings:
        if name not in _READ and name not in used:
            _note_other(name, description)
    memory = value("request_memory")
    retries = value("max_retries")
    seconds = value("allowed_execute_duration") or value("allowed_job_duration")
    return Submit(
        _redirected(argv, value("input"), value("output"), value("error"), folder or value("initialdir")),
        _environment(environment or "", file, _line(description, "environment")),
        _number(value("request_cpus"), "request_cpus", description),
        None if memory is None else _megabytes(memory, description),
        int(_number(retries, "max_retries", description) or 0) if retries else None,
        _number(seconds, "allowed_execute_duration", description),
        description.queued,
    )


def beside(program: str) -> str:
    """Returns the path of a program, which HTCondor takes from the folder of its file, not from PATH."""
    return program if "/" in program else f"./{program}"


def split_arguments(text: str, file: str, line: int | None) -> tuple[str, ...]:
    """Returns the arguments of HTCondor's old syntax (spaces alone) or its new one (all in double quotation marks)."""
    text = text.strip()
    if not (len(text) >= 2 and text[0] == text[-1] == '"'):
        return tuple(part.replace('\\"', '"') for part in text.split())
    inner = text[1:-1].replace('""', '"')
    found: list[str] = []
    held: list[str] | None = None
    quoted = False
    at = 0
    while at < len(inner):
        char = inner[at]
        if char == "'":
            if quoted and inner[at + 1 : at + 2] == "'":
                held = [*(held or ()), "'"]
                at += 1
            else:
                quoted = not quoted
                held = held or []
        elif char.isspace() and not quoted:
            if held is not None:
                found.append("".join(held))
            held = None
        else:
            held = held if held is not None else []
            held.append(char)
        at += 1
    if quoted:
        raise ImportRefused(file, line, "the arguments have an open single quotation mark; close it")
    if held is not None:
        found.append("".join(held))
    return tuple(found)


def _read_lines(text: str, description: _Description) -> None:
    held = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = held + raw
        if len(line) > MAX_LINE_CHARACTERS:
            raise ImportRefused(
                description.file, number, f"a line is longer than {MAX_LINE_CHARACTERS:,} characters"
            )
        if line.endswith("\\"):
            held = line[:-1]
            continue
        held = ""
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        words = stripped.split(None, 1)
        if words[0].lower() == "queue":
            description.queued = _queued(words[1] if len(words) > 1 else "1", description, number)
            continue
        match = _SETTING.fullmatch(stripped)
        if match:
            description.settings[match[1].lower()] = (number, match[2].strip())
        else:
            description.notes.add(
                number,
                stripped,
                Effect.LEFT_OUT,
                "the line is no setting",
                "check the line",
                file=description.file,
            )


def _queued(text: str, description: _Description, number: int) -> int:
    if text.strip().isdigit():
        count = int(text)
        if not 1 <= count <= MAX_QUEUED:
            raise ImportRefused(
                description.file, number, f"queues {count:,} jobs; 1 to {MAX_QUEUED:,} can be imported"
            )
        return count
    description.notes.add(
        number,
        f"queue {text}",
        Effect.CHANGED,
        "only a number of jobs is carried over; one job is made",
        "write a node for each job",
        file=description.file,
    )
    return 1


def _replaced(text: str, description: _Description, named: Mapping[str, str], line: int) -> str:
    for _ in range(MAX_MACRO_DEPTH):

        def value(match: re.Match[str]) -> str:
            name = match[1].lower()
            if name in named:
                return named[name]
            if name in description.settings:
                return description.settings[name][1]
            if match[2] is not None:
                return match[2]
            if name in ("process", "procid"):
                return match[0]  # replaced for each job of a `queue N`
            description.notes.add(
                line,
                match[0],
                Effect.UNFINISHED,
                "only HTCondor knows its value",
                "write the value into targets.yaml",
                file=description.file,
            )
            return match[0]

        made = _MACRO.sub(value, text)
        if len(made) > MAX_LINE_CHARACTERS:
            raise ImportRefused(
                description.file, line, f"a value is longer than {MAX_LINE_CHARACTERS:,} characters"
            )
        if made == text:
            return made
        text = made
    raise ImportRefused(description.file, line, "a macro refers to itself; write its value out")


def _note_other(name: str, description: _Description) -> None:
    line, value = description.settings[name]
    files = name.startswith(("transfer_", "should_transfer", "when_to_transfer", "stream_"))
    why, do = _FILES if files else _REASONS.get(name, _OTHER)
    description.notes.add(line, f"{name} = {value}", Effect.LEFT_OUT, why, do, file=description.file)


def _line(description: _Description, name: str) -> int | None:
    return description.settings.get(name, (None, ""))[0]


def _environment(text: str, file: str, line: int | None) -> tuple[tuple[str, str], ...]:
    quoted = text.strip().startswith('"')
    parts = (
        split_arguments(text, file, line) if quoted else [part for part in text.split(";") if part.strip()]
    )
    pairs = []
    for part in parts:
        name, sign, value = part.strip().partition("=")
        if not sign or not name:
            raise ImportRefused(file, line, f"the environment has {part!r}; write NAME=VALUE")
        pairs.append((name, value))
    return tuple(pairs)


def _number(text: str | None, name: str, description: _Description) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        description.notes.add(
            _line(description, name),
            f"{name} = {text}",
            Effect.LEFT_OUT,
            "it is an expression, and only a number is carried over",
            "write a number",
            file=description.file,
        )
        return None


def _megabytes(text: str, description: _Description) -> float | None:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[1].count(".") > 1 or match[1] == ".":
        return _number(text, "request_memory", description)
    return float(match[1]) * _MEGABYTES[match[2].upper()]


def _redirected(
    argv: tuple[str, ...], stdin: str | None, stdout: str | None, stderr: str | None, folder: str | None
) -> tuple[str, ...]:
    """Returns a command that runs in `folder`, reads and writes files. Only their names stand in its shell text."""
    script = 'exec "$@"'
    for sign, name in (("<", stdin), (">", stdout), ("2>", stderr)):
        if name and name != "/dev/null":
            script += f" {sign}{shlex.quote(name)}"
    if folder:
        script = f"cd {shlex.quote(folder)} && {script}"
    return argv if script == 'exec "$@"' else ("sh", "-c", script, "sh", *argv)
