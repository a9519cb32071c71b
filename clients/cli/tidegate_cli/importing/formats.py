"""The formats that can be imported, and the one function that imports any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from tidegate.domain import limits
from tidegate_cli.importing.argo import read_argo
from tidegate_cli.importing.conditions import TooLarge
from tidegate_cli.importing.dagman import read_dagman
from tidegate_cli.importing.documents import Imported, Options, to_documents
from tidegate_cli.importing.github import read_github
from tidegate_cli.importing.makeflow import read_makeflow
from tidegate_cli.importing.model import Effect, ImportRefused, Notes, Plan, ReadFile

_Reader = Callable[[str, Notes, ReadFile, Mapping[str, str]], Plan]


class Format(StrEnum):
    """The tools whose files can be imported."""

    ARGO = "argo"
    GITHUB = "github"
    MAKEFLOW = "makeflow"
    DAGMAN = "dagman"


_READERS: Mapping[Format, _Reader] = {
    Format.ARGO: read_argo,
    Format.GITHUB: read_github,
    Format.MAKEFLOW: read_makeflow,
    Format.DAGMAN: read_dagman,
}


def import_text(
    format_: Format, text: str, file: str, *, read: ReadFile, options: Options
) -> tuple[Imported, Notes]:
    """Returns the documents of a file in another tool's format, and the notes on what was not carried over.

    `file` stands for the file in notes, and `read` gives the files beside it. Raises ImportRefused or MalformedFile.
    """
    notes = Notes(file)
    try:
        plan = _READERS[format_](text, notes, read, options.settings)
    except TooLarge as error:
        raise ImportRefused(file, None, f"{error}; make the conditions simpler") from error
    _note_folder(notes, options.folder)
    _note_amounts(plan, notes, requires=options.requires)
    return to_documents(_with_time_limits(plan, notes, options.timeout_seconds), notes, options), notes


def _note_folder(notes: Notes, folder: str | None) -> None:
    if folder is None:
        why = "each attempt begins in an empty folder of its own"
        do = "give --folder if the commands read or write files by relative names"
    else:
        why = "tidegate copies no files between machines"
        do = f"let every worker reach {folder}, such as on a shared file system"
    notes.add(None, "the folder of the commands", Effect.CHANGED, why, do)


def _with_time_limits(plan: Plan, notes: Notes, seconds: int | None) -> Plan:
    """Returns the plan with a time limit for each task that has none of its own."""
    unlimited = [task for task in plan.tasks if task.command is not None and task.timeout_seconds is None]
    if not unlimited:
        return plan
    if seconds is None:
        notes.add(
            None,
            "no time limit",
            Effect.CHANGED,
            "some jobs have no time limit in the source; tidegate's default stops an attempt after "
            f"{limits.DEFAULT_TIMEOUT_SECONDS} s",
            "give --timeout-seconds",
        )
        return plan
    tasks = tuple(
        replace(task, timeout_seconds=seconds) if task.timeout_seconds is None else task
        for task in plan.tasks
    )
    return replace(plan, tasks=tasks)


def _note_amounts(plan: Plan, notes: Notes, *, requires: bool) -> None:
    amounts = sorted({each for task in plan.tasks for each in task.requires})
    if amounts:
        notes.add(
            None,
            ", ".join(amounts),
            Effect.CHANGED if requires else Effect.LEFT_OUT,
            "tidegate matches capabilities by name and counts no amounts",
            "let a pool offer these capabilities, or import with --no-requires"
            if requires
            else "choose a pool whose workers are large enough",
        )
