"""The formats that can be imported, and the one function that imports any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from tidegate_cli.importing.argo import read_argo
from tidegate_cli.importing.conditions import TooLarge
from tidegate_cli.importing.dagman import read_dagman
from tidegate_cli.importing.documents import Imported, to_documents
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
    format_: Format,
    text: str,
    file: str,
    *,
    read: ReadFile,
    prefix: str,
    settings: Mapping[str, str] | None = None,
    pool: str | None = None,
    timeout_seconds: int | None = None,
    requires: bool = True,
    folder: str | None = None,
) -> tuple[Imported, Notes]:
    """Returns the documents of a file in another tool's format, and the notes on what was not carried over.

    `file` stands for the file in notes. `settings` give values that the text asks for. `pool` is for all jobs, and
    `timeout_seconds` (from 1) for those without a time limit of their own. `requires` says whether amounts of cores and
    memory become requirements. `folder` is the folder on the workers in which commands run. Raises ImportRefused or
    MalformedFile.
    """
    notes = Notes(file)
    try:
        plan = _READERS[format_](text, notes, read, settings or {})
    except TooLarge as error:
        raise ImportRefused(file, None, f"{error}; make the conditions simpler") from error
    notes.add(
        None,
        "the folder of the commands",
        Effect.CHANGED,
        "each attempt begins in an empty folder of its own"
        if folder is None
        else "tidegate copies no files between machines",
        "give --folder if the commands read or write files by relative names"
        if folder is None
        else f"let every worker reach {folder}, such as on a shared file system",
    )
    if timeout_seconds is None and any(task.command and task.timeout_seconds is None for task in plan.tasks):
        notes.add(
            None,
            "no time limit",
            Effect.CHANGED,
            "some jobs have no time limit in the source; tidegate's default stops an attempt after 300 s",
            "give --timeout-seconds",
        )
    if timeout_seconds is not None:
        tasks = tuple(
            task
            if task.command is None or task.timeout_seconds is not None
            else replace(task, timeout_seconds=timeout_seconds)
            for task in plan.tasks
        )
        plan = replace(plan, tasks=tasks)
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
    return to_documents(plan, notes, prefix=prefix, pool=pool, requires=requires, folder=folder), notes
