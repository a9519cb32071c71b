"""The command `tidegate import`, which makes a workflow and its targets of another tool's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tidegate.domain import limits
from tidegate_cli.documents.submissions import read_text
from tidegate_cli.errors import CliError, MalformedFile, OptionError
from tidegate_cli.importing.documents import Imported, Options, slug
from tidegate_cli.importing.formats import Format, import_text
from tidegate_cli.importing.model import Effect, Notes
from tidegate_cli.importing.written import targets_text, workflow_text
from tidegate_cli.options import OutputOption, Session, refuse_api_url, session_of
from tidegate_cli.views import printable

WORKFLOW_FILE = "workflow.yaml"
TARGETS_FILE = "targets.yaml"
MAX_BYTES = 4 * 1024 * 1024
_LOCAL_ONLY = "means nothing for a command that only reads and writes files: leave it out"
_WORDS = {Effect.LEFT_OUT: "left out", Effect.CHANGED: "changed", Effect.UNFINISHED: "unfinished"}


FormatArgument = Annotated[
    Format, typer.Argument(metavar="FORMAT", help="argo, github, makeflow or dagman.", show_default=False)
]
ImportedArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="The file to import; - is standard input.")
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder for workflow.yaml and targets.yaml.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace these files if they are there.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Write nothing if anything could not be carried over as it is.")
]
PrefixOption = Annotated[
    str | None,
    typer.Option(
        "--prefix",
        metavar="NAME",
        help="Beginning of the targets' names. Default: the name of FILE.",
        show_default=False,
    ),
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Value that the file asks for, such as github.ref=refs/heads/main. May be repeated.",
        show_default=False,
    ),
]
WorkerPoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool", help="Pool for the jobs that require no capability; a pool of workers.", show_default=False
    ),
]
FolderOption = Annotated[
    str | None,
    typer.Option(
        "--folder",
        metavar="PATH",
        help="Folder on the workers in which the commands run. Default: an empty one for each attempt.",
        show_default=False,
    ),
]
TimeLimitOption = Annotated[
    int | None,
    typer.Option(
        "--timeout-seconds",
        min=1,
        max=limits.MAX_TIMEOUT_SECONDS,
        help="Time limit for the jobs to which FILE gives none.",
        show_default=False,
    ),
]
NoRequiresOption = Annotated[
    bool, typer.Option("--no-requires", help="Let no job require the cores and memory that FILE asks for.")
]


def import_file(
    context: typer.Context,
    format_: FormatArgument,
    file: ImportedArgument,
    out: OutOption = Path(),
    force: ForceOption = False,
    strict: StrictOption = False,
    prefix: PrefixOption = None,
    settings: SettingsOption = None,
    pool: WorkerPoolOption = None,
    folder: FolderOption = None,
    timeout_seconds: TimeLimitOption = None,
    no_requires: NoRequiresOption = False,
    output: OutputOption = None,
) -> None:
    """Make a workflow and its command targets of another tool's file.

    The command names on standard error all that it could not carry over, with the place and the next step.

    Example: tidegate import argo pipeline.yaml --out imported
    """
    session = session_of(context, output)
    refuse_api_url(session, "import")
    session.refuse_target_options(_LOCAL_ONLY)
    imported, notes = import_text(
        format_,
        _read_import(file),
        "standard input" if file == "-" else file,
        read=_reader(file),
        options=Options(
            prefix=_prefix(prefix, file),
            settings=_settings(settings or ()),
            pool=pool,
            timeout_seconds=timeout_seconds,
            requires=not no_requires,
            folder=_folder(folder),
        ),
    )
    targets = [(WORKFLOW_FILE, workflow_text(imported)), (TARGETS_FILE, targets_text(imported))]
    if strict and notes.kept:
        _tell(session, notes)
        raise CliError(
            f"{len(notes.kept)} constructs can't be carried over as they are, so nothing is written"
        )
    _write(out, targets, force=force)
    _tell(session, notes)
    _show(session, imported, notes, out)


def register(app: typer.Typer) -> None:
    """Adds the command import to `app`."""
    app.command("import")(import_file)


def _read_import(file: str) -> str:
    text = read_text(file)
    if len(text) > MAX_BYTES:
        raise MalformedFile(f"{file} is larger than {MAX_BYTES:,} characters; import it in parts")
    return text


def _reader(file: str) -> _Neighbours:
    return _Neighbours(None if file == "-" else Path(file).resolve().parent)


class _Neighbours:
    """Reads files in the folder of the imported file, and in the folders inside it."""

    def __init__(self, folder: Path | None) -> None:
        """Takes the folder; None where there is none."""
        self._folder = folder

    def __call__(self, name: str) -> str | None:
        """Returns the text of a file by its relative path; None for a file that is not there or lies elsewhere."""
        if self._folder is None:
            return None
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return None
        return _read_import(str(path))


def _prefix(given: str | None, file: str) -> str:
    if given is None:
        return slug("imported" if file == "-" else Path(file).name.split(".")[0])
    if given != slug(given):
        raise OptionError(
            "--prefix", f"is {given!r}; write small letters, digits and hyphens, such as {slug(given)!r}"
        )
    return given


def _folder(given: str | None) -> str | None:
    if given is not None and not given.startswith("/"):
        raise OptionError("--folder", f"is {given!r}; write the whole path on the workers, such as /data")
    return given


def _settings(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise OptionError("--set", f"is {text!r}; write NAME=VALUE")
        if name in found:
            raise OptionError("--set", f"gives {name!r} twice; leave one of them out")
        found[name] = value
    return found


def _write(folder: Path, files: Sequence[tuple[str, str]], *, force: bool) -> None:
    present = [name for name, _ in files if (folder / name).exists()]
    if present and not force:
        raise CliError(
            f"{folder / present[0]} is there already; choose another folder with --out, or add --force"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files:
        (folder / name).write_text(text, encoding="utf-8")


def _tell(session: Session, notes: Notes) -> None:
    for note in notes.kept:
        place = note.file if note.line is None else f"{note.file}:{note.line}"
        session.tell(f"{place}: {note.construct}: {_WORDS[note.effect]}: {note.why}; to do: {note.do}")
    if notes.left_off:
        session.tell(f"{notes.left_off:,} more notes are left off; import the file in parts to see them")


def _show(session: Session, imported: Imported, notes: Notes, folder: Path) -> None:
    found = {
        "workflow": str(folder / WORKFLOW_FILE),
        "targets": str(folder / TARGETS_FILE),
        "job_count": imported.job_count,
        "target_count": len(imported.targets["targets"]),
        "notes": [asdict(note) for note in notes.kept],
        "notes_left_off": notes.left_off,
    }
    if session.is_structured:
        session.show(found)
        return
    text = (
        f"jobs in {found['workflow']}: {imported.job_count:,}; "
        f"targets in {found['targets']}: {found['target_count']:,}; notes on differences: {len(notes.kept):,}"
    )
    session.out.print(printable(text), markup=False, highlight=False)
