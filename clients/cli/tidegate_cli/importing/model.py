"""The values that every converter makes: tasks with their commands and needs, and notes on all that differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.domain import limits
from tidegate_cli.errors import UsageError
from tidegate_cli.importing.conditions import ALWAYS, Expression

MAX_NOTES = 1_000
MAX_CONSTRUCT_CHARACTERS = 200
MAX_TASKS = limits.MAX_JOBS_PER_WORKFLOW

ReadFile = Callable[[str], str | None]
"""Returns the text of a file beside the imported one, by its relative path; None if there is none that may be read."""


class ImportRefused(UsageError):
    """The error for a file that can't be imported at all. `place` is the file, with the line where it is known."""

    code = "import-refused"

    def __init__(self, file: str, line: int | None, message: str) -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {message}")


class Effect(StrEnum):
    """The fate of a construct of the source."""

    LEFT_OUT = "left-out"  # the result lacks it
    CHANGED = "changed"  # the result has something that differs from it
    UNFINISHED = "unfinished"  # targets.yaml must be edited before the job can run


@dataclass(frozen=True, slots=True)
class Note:
    """One construct that was not carried over as it stands: its place, the reason, and the reader's next step."""

    file: str
    line: int | None
    construct: str
    effect: Effect
    why: str
    do: str


@dataclass(slots=True)
class Notes:
    """Collects the notes of one import. Equal notes are kept once, and at most MAX_NOTES in all."""

    file: str
    kept: dict[Note, None] = field(default_factory=dict)
    left_off: int = 0

    def add(
        self, line: int | None, construct: str, effect: Effect, why: str, do: str, *, file: str | None = None
    ) -> None:
        """Adds a note. `construct` quotes the source and is cut to MAX_CONSTRUCT_CHARACTERS."""
        note = Note(file or self.file, line, construct[:MAX_CONSTRUCT_CHARACTERS], effect, why, do)
        if note in self.kept:
            return
        if len(self.kept) >= MAX_NOTES:
            self.left_off += 1
            return
        self.kept[note] = None


@dataclass(frozen=True, slots=True)
class ExitCode:
    """The meaning of one exit code of a command: the error's code, and whether the run is retried."""

    number: int
    retry: bool
    code: str


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, run without a shell unless `argv` names one. `label` suggests a target's name."""

    argv: tuple[str, ...]
    label: str = field(compare=False)
    exit_codes: tuple[ExitCode, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One job of the result. A task without a command does nothing, and keeps the order of the others.

    `waits` are tasks that must have ended, whatever `needs` says. Times are in seconds; None leaves tidegate's default.
    """

    key: str
    command: Command | None
    needs: Expression = ALWAYS
    waits: tuple[str, ...] = ()
    name: str | None = None
    priority: int | None = None
    timeout_seconds: int | None = None
    max_retries: int = 0
    backoff_seconds: int | None = None
    max_backoff_seconds: int | None = None
    requires: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    concurrency_key: str | None = None
    concurrency_limit: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole workflow as a converter reads it."""

    name: str
    tasks: tuple[Task, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    priority: int | None = None


def refuse_too_many(count: int, file: str, line: int | None = None) -> None:
    """Raises ImportRefused if a workflow would have more jobs than one submission may have."""
    if count > MAX_TASKS:
        raise ImportRefused(file, line, f"makes more than {MAX_TASKS:,} jobs: import it in parts")


def bounded_timeout(seconds: float, notes: Notes, line: int | None, construct: str) -> int:
    """Returns a time limit that a job may have: whole seconds from 1 to MAX_TIMEOUT_SECONDS."""
    if seconds > limits.MAX_TIMEOUT_SECONDS:
        notes.add(
            line,
            construct,
            Effect.CHANGED,
            f"an attempt may run {limits.MAX_TIMEOUT_SECONDS:,} s at most",
            "split the job if it needs longer",
        )
    return int(min(max(1, -(-seconds // 1)), limits.MAX_TIMEOUT_SECONDS))


def bounded_retries(number: int, notes: Notes, line: int | None, construct: str) -> int:
    """Returns how often a job is retried: from 0 to MAX_RETRIES."""
    if number > limits.MAX_RETRIES:
        notes.add(
            line,
            construct,
            Effect.CHANGED,
            f"a job has {limits.MAX_RETRIES} retries at most",
            "retry it by hand afterwards: tidegate jobs retry",
        )
    return min(max(0, number), limits.MAX_RETRIES)


def amount_requirements(cores: float | None, memory_mb: float | None) -> tuple[str, ...]:
    """Returns the capabilities that stand for amounts: `cores-4`, `memory-2048mb`. Amounts are rounded up."""
    found = []
    if cores is not None and cores > 1:
        found.append(f"cores-{-(-cores // 1):.0f}")
    if memory_mb is not None and memory_mb > 0:
        found.append(f"memory-{-(-memory_mb // 1):.0f}mb")
    return tuple(found)
