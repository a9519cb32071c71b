"""Converts Makeflow files in the classic syntax.

Source of the rules: the Makeflow manual of the Cooperative Computing Tools, "The Makeflow Language".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tidegate_cli.importing.conditions import SUCCESS, Ended, every
from tidegate_cli.importing.documents import shortened
from tidegate_cli.importing.model import (
    Command,
    Effect,
    ImportRefused,
    Notes,
    Plan,
    ReadFile,
    Task,
    amount_requirements,
    bounded_timeout,
    refuse_too_many,
)

MAX_KEY_CHARACTERS = 128
MAX_VALUE_CHARACTERS = (
    64 * 1024
)  # of one line after its variables are replaced, so that none can grow without bound
_VARIABLE = re.compile(r"\$\$|\\\$|\$\((\w+)\)|\$\{(\w+)\}|\$(\w+)")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*(\+?=)\s*(.*)", re.DOTALL)
_RULE = re.compile(r"(?P<targets>[^:=]*[^:=\s])\s*:(?!=)\s*(?P<sources>.*)", re.DOTALL)
_RESOURCES = ("CORES", "MEMORY", "DISK", "GPUS", "WALL_TIME")
_NO_CATEGORY = "default"


@dataclass(slots=True)
class _State:
    notes: Notes
    variables: dict[str, str] = field(default_factory=dict)
    exported: list[str] = field(default_factory=list)
    category: str = _NO_CATEGORY
    resources: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Rule:
    line: int
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    command: str
    environment: tuple[tuple[str, str], ...]
    category: str
    own: Mapping[str, float]


def read_makeflow(text: str, notes: Notes, _read: ReadFile, settings: Mapping[str, str]) -> Plan:
    """Returns a Makeflow as a plan. `settings` replace variables of the file. Raises ImportRefused.

    A rule becomes a task that needs the success of the rules that make its source files.
    """
    state = _State(notes, dict(settings))
    rules = _rules(text, state, frozenset(settings))
    refuse_too_many(len(rules), notes.file)
    keys = _keys(rules)
    made_by: dict[str, int] = {}
    for index, rule in enumerate(rules):
        for target in rule.targets:
            if target in made_by:
                raise ImportRefused(
                    notes.file,
                    rule.line,
                    f"{target!r} is also made by the rule in line {rules[made_by[target]].line}",
                )
            made_by[target] = index
    tasks = []
    for index, rule in enumerate(rules):
        upstreams = dict.fromkeys(made_by[source] for source in rule.sources if source in made_by)
        needs = every(Ended(keys[at], SUCCESS) for at in upstreams if at != index)
        if index in upstreams:
            raise ImportRefused(notes.file, rule.line, "a rule needs a file that it makes itself")
        amounts = {**state.resources.get(rule.category, {}), **rule.own}
        wall = amounts.get("WALL_TIME")
        tasks.append(
            Task(
                key=keys[index],
                name=" ".join(rule.targets),
                command=_command(rule, keys[index], notes),
                needs=needs,
                timeout_seconds=bounded_timeout(wall, notes, rule.line, "WALL_TIME") if wall else None,
                requires=amount_requirements(amounts.get("CORES"), amounts.get("MEMORY")),
                tags={} if rule.category == _NO_CATEGORY else {"category": rule.category},
            )
        )
    return Plan(notes.file.rpartition("/")[2], tuple(tasks))


def _keys(rules: Sequence[_Rule]) -> list[str]:
    """Returns a key for each rule: its first target, which no other rule has."""
    return [shortened(rule.targets[0], MAX_KEY_CHARACTERS) for rule in rules]


def _command(rule: _Rule, label: str, notes: Notes) -> Command | None:
    command = rule.command
    if command.startswith("LOCAL "):
        command = command.removeprefix("LOCAL ").strip()
        notes.add(
            rule.line,
            "LOCAL",
            Effect.LEFT_OUT,
            "tidegate has no machine of its own that starts workflows",
            "run the job in a pool that may reach what the command needs",
        )
    if command.startswith("MAKEFLOW "):
        notes.add(
            rule.line,
            command,
            Effect.LEFT_OUT,
            "a workflow starts no other one; the job does nothing and keeps the order",
            "import that file by itself, and let its first jobs depend on this one's upstreams",
        )
        return None
    argv: tuple[str, ...] = ("sh", "-c", command)
    if rule.environment:
        argv = ("env", *(f"{name}={value}" for name, value in rule.environment), *argv)
    return Command(argv, label)


def _rules(text: str, state: _State, fixed: frozenset[str]) -> list[_Rule]:
    found: list[_Rule] = []
    lines = _logical_lines(text)
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if line[:1].isspace():
            raise ImportRefused(state.notes.file, number, "a command stands before any rule; add its rule")
        if stripped.startswith((".MAKEFLOW", ".SIZE", ".UMBRELLA")):
            _directive(number, stripped, state)
        elif stripped.startswith("export ") or stripped == "export":
            _export(number, stripped.removeprefix("export").strip(), state, fixed)
        elif (rule := _RULE.fullmatch(stripped)) and not _ASSIGNMENT.fullmatch(stripped):
            body = []
            while at < len(lines) and lines[at][1][:1].isspace() and lines[at][1].strip():
                body.append(lines[at])
                at += 1
            found.append(_rule(number, rule, body, state))
        elif assignment := _ASSIGNMENT.fullmatch(stripped):
            _assign(number, assignment, state, fixed)
        else:
            state.notes.add(
                number, stripped, Effect.LEFT_OUT, "the line is no rule and no variable", "check the line"
            )
    return found


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Returns the lines with their numbers; a line that ends with a backslash goes on in the next one."""
    found: list[tuple[int, str]] = []
    held: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(), 1):
        if not held:
            start = number
        if line.endswith("\\"):
            held.append(line[:-1])
            continue
        found.append((start, "".join([*held, line])))
        held = []
    if held:
        found.append((start, "".join(held)))
    return found


def _rule(number: int, match: re.Match[str], body: list[tuple[int, str]], state: _State) -> _Rule:
    targets = _files(number, match["targets"], state)
    if not targets:
        raise ImportRefused(state.notes.file, number, "a rule makes no file; name one before the colon")
    sources = _files(number, match["sources"], state)
    own: dict[str, float] = {}
    category = state.category
    commands: list[str] = []
    for line_number, line in body:
        stripped = line.strip()
        if stripped.startswith("#"):
            continue
        assignment = _ASSIGNMENT.fullmatch(stripped.removeprefix("@")) if stripped.startswith("@") else None
        if assignment is None:
            commands.append(_replaced(line_number, stripped, state))
        elif assignment[1] == "CATEGORY":
            category = _unquoted(assignment[3])
        elif assignment[1] in _RESOURCES:
            _resource(line_number, assignment[1], assignment[3], own, state.notes)
        else:
            own_name = f"@{assignment[1]}"
            state.notes.add(
                line_number,
                stripped,
                Effect.LEFT_OUT,
                f"{own_name} of a rule has no counterpart",
                "state it in targets.yaml",
            )
    if len(commands) != 1:
        raise ImportRefused(
            state.notes.file, number, f"a rule has {len(commands)} commands; exactly one is needed"
        )
    environment = tuple((name, state.variables.get(name, "")) for name in dict.fromkeys(state.exported))
    return _Rule(number, targets, sources, commands[0], environment, category, own)


def _files(number: int, text: str, state: _State) -> tuple[str, ...]:
    found = []
    for name in _replaced(number, text, state).split():
        local, arrow, remote = name.partition("->")
        if arrow:
            state.notes.add(
                number,
                name,
                Effect.LEFT_OUT,
                f"tidegate copies no files, so none is named {remote!r} for the command",
                "use one name for the file",
            )
        found.append(local)
    return tuple(found)


def _directive(number: int, text: str, state: _State) -> None:
    words = text.split(None, 2)
    if words[0] == ".MAKEFLOW" and len(words) == 3 and words[1] == "CATEGORY":
        state.category = _unquoted(words[2])
    elif words[0] == ".MAKEFLOW" and len(words) == 3 and words[1] in _RESOURCES:
        amounts = state.resources.setdefault(state.category, {})
        _resource(number, words[1], words[2], amounts, state.notes)
    else:
        state.notes.add(
            number, text, Effect.LEFT_OUT, "it concerns how Makeflow works", "nothing, unless you rely on it"
        )


def _resource(number: int, name: str, value: str, into: dict[str, float], notes: Notes) -> None:
    try:
        into[name] = float(_unquoted(value))
    except ValueError as error:
        raise ImportRefused(notes.file, number, f"{name} is {value!r}; write a number") from error
    if name in ("DISK", "GPUS") and into[name] > 0:
        notes.add(
            number,
            f"{name} {value}",
            Effect.LEFT_OUT,
            "tidegate counts no such amounts",
            "name a pool that has it in `pool` or `requires` of the job",
        )


def _export(number: int, text: str, state: _State, fixed: frozenset[str]) -> None:
    assignment = _ASSIGNMENT.fullmatch(text)
    if assignment:
        _assign(number, assignment, state, fixed)
        state.exported.append(assignment[1])
    else:
        state.exported.extend(text.split())


def _assign(number: int, match: re.Match[str], state: _State, fixed: frozenset[str]) -> None:
    name, sign, value = match[1], match[2], _unquoted(match[3])
    if name == "CATEGORY":
        state.category = _unquoted(_replaced(number, value, state))
        return
    if name in _RESOURCES:
        _resource(number, name, value, state.resources.setdefault(state.category, {}), state.notes)
        return
    if name in fixed:
        return
    new = _replaced(number, value, state)
    old = state.variables.get(name)
    state.variables[name] = f"{old} {new}" if sign == "+=" and old else new
    if len(state.variables[name]) > MAX_VALUE_CHARACTERS:
        raise ImportRefused(
            state.notes.file, number, f"{name} is longer than {MAX_VALUE_CHARACTERS:,} characters"
        )


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'" else text


def _replaced(number: int, text: str, state: _State) -> str:
    """Returns a text with the values of its variables. A variable that the file does not set stays for the shell."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        if name is None:
            return "$"
        known = state.variables.get(name)
        if known is None:
            state.notes.add(
                number,
                match[0],
                Effect.CHANGED,
                "the file does not set it, so the command takes it from the worker's environment",
                f"give it with --set {name}=VALUE",
            )
            return match[0] if match[1] is None else f"${{{name}}}"
        return known

    made = _VARIABLE.sub(value, text)
    if len(made) > MAX_VALUE_CHARACTERS:
        raise ImportRefused(
            state.notes.file, number, f"the line is longer than {MAX_VALUE_CHARACTERS:,} characters"
        )
    return made
