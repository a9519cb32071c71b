"""The steps of a GitHub job as one command. Each step stays a process of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from tidegate_cli.importing.conditions import ALWAYS, Constant
from tidegate_cli.importing.expressions import NotUnderstood
from tidegate_cli.importing.fields import note_unknown
from tidegate_cli.importing.github_values import Scope, condition_of, inserted
from tidegate_cli.importing.lined import Lined
from tidegate_cli.importing.model import Command, Effect, Notes

_STEP_FIELDS = {"name", "id", "run", "env", "if", "shell", "working-directory", "continue-on-error"}
_SHELLS: Mapping[str, tuple[str, ...]] = {
    "": ("bash", "-e", "-c"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"),
    "sh": ("sh", "-e", "-c"),
    "python": ("python3", "-c"),
}
_OF_THE_RUNNER = re.compile(r"\b(?:GITHUB|RUNNER)_[A-Z_]+")


@dataclass(frozen=True, slots=True)
class Defaults:
    """The settings of the workflow and the job that hold for steps without their own."""

    environment: Mapping[str, str]
    shell: str | None
    folder: str | None


def command_of(
    steps: Lined | None, label: str, defaults: Defaults, scope: Scope, notes: Notes
) -> Command | None:
    """Returns the steps of a job as one command; None if none of them can be carried over."""
    made: list[tuple[tuple[str, ...], bool]] = []
    for step in () if steps is None else steps.items():
        argv = _step(step, defaults, scope, notes)
        if argv is not None:
            go_on = step.get("continue-on-error")
            made.append((argv, go_on is not None and go_on.value is True))
    if not made:
        return None
    if len(made) == 1 and not made[0][1]:
        return Command(made[0][0], label)
    lines = [shlex.join(argv) + (" || true" if may_fail else "") for argv, may_fail in made]
    return Command(("sh", "-e", "-c", "\n".join(lines)), label)


def environment_of(part: Lined | None, scope: Scope, notes: Notes) -> dict[str, str]:
    """Returns the variables of an `env`. One without a known value is left out, so the worker's own value holds."""
    found: dict[str, str] = {}
    for name, value in () if part is None else part.fields():
        text = inserted(value.text() or "", scope, lambda source: source)
        if "${{" in text:
            notes.add(
                value.line,
                f"{name}: {value.text()}",
                Effect.LEFT_OUT,
                "its value is known only when GitHub runs the workflow",
                f"set {name} in the environment of the worker's job code",
            )
        else:
            found[name] = text
    return found


def text_of(part: Lined, scope: Scope, notes: Notes) -> str:
    """Returns a text with its expressions replaced. One without a known value stays, with a note."""

    def unknown(source: str) -> str:
        secret = "secrets." in source
        notes.add(
            part.line,
            source,
            Effect.UNFINISHED,
            "no secret is written into a target" if secret else "its value is known only when GitHub runs it",
            "let the command read it from its environment"
            if secret
            else "replace it in targets.yaml, or give it with --set",
        )
        return source

    return inserted(part.text() or "", scope, unknown)


def _step(step: Lined, defaults: Defaults, scope: Scope, notes: Notes) -> tuple[str, ...] | None:
    uses, run, condition = step.get("uses"), step.get("run"), step.get("if")
    if uses is not None:
        notes.add(
            uses.line,
            f"uses: {uses.text()}",
            Effect.LEFT_OUT,
            "an action runs on GitHub's runners alone",
            "write a command that does the same into targets.yaml",
        )
        return None
    note_unknown(step, _STEP_FIELDS, notes)
    if run is None:
        notes.add(step.line, "step", Effect.LEFT_OUT, "it has neither `run` nor `uses`", "check the step")
        return None
    if condition is not None and not _holds(condition, scope, notes):
        return None
    text = text_of(run, scope, notes)
    for name in dict.fromkeys(_OF_THE_RUNNER.findall(text)):
        notes.add(
            run.line,
            f"${name}",
            Effect.UNFINISHED,
            "GitHub's runner sets this variable, and a worker does not",
            "change the command in targets.yaml, or set the variable in the worker's environment",
        )
    shell = step.get("shell")
    argv = _shell(shell.text() if shell is not None else defaults.shell, text, run, notes)
    environment = {**defaults.environment, **environment_of(step.get("env"), scope, notes)}
    if environment:
        argv = ("env", *(f"{name}={value}" for name, value in environment.items()), *argv)
    folder = step.get("working-directory")
    where = text_of(folder, scope, notes) if folder is not None else defaults.folder
    return ("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", where, *argv) if where else argv


def _shell(name: str | None, text: str, run: Lined, notes: Notes) -> tuple[str, ...]:
    known = _SHELLS.get(name or "")
    if known is not None:
        return (*known, text)
    words = shlex.split(name or "") if "{0}" in (name or "") and (name or "").count('"') % 2 == 0 else []
    notes.add(
        run.line,
        f"shell: {name}",
        Effect.UNFINISHED,
        "only bash, sh and python are carried over",
        "write the command's program into targets.yaml",
    )
    return (*(word for word in words if word != "{0}"), text) if words else (str(name), text)


def _holds(condition: Lined, scope: Scope, notes: Notes) -> bool:
    source = condition.text() or ""
    try:
        found, _ = condition_of(
            source, Scope(scope.values, {"success": ALWAYS, "always": ALWAYS}, {}, scope.told)
        )
    except NotUnderstood:
        found = Constant(None)
    if found == ALWAYS:
        if "always" in source:
            notes.add(
                condition.line,
                f"if: {source}",
                Effect.CHANGED,
                "a step runs only if the steps before it succeeded",
                "make it a job of its own that depends on this one with MUST_COMPLETE",
            )
        return True
    if found == Constant(False):
        notes.add(condition.line, f"if: {source}", Effect.LEFT_OUT, "the condition is false", "nothing")
        return False
    notes.add(
        condition.line,
        f"if: {source}",
        Effect.LEFT_OUT,
        "the condition of a step asks for something that only GitHub's runner knows; the step is left out",
        "give the value with --set, or write the step into targets.yaml",
    )
    return False
