"""The command `tidegate types check`: checks that job code can be loaded, before it is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidegate.jobs.loader import JOB_PACKAGES
from tidegate_cli.commands.operator import types
from tidegate_cli.errors import CliError, UsageError
from tidegate_cli.options import OutputOption, session_of
from tidegate_cli.views import printable_lines
from tidegate_devstack.job_check import check_job_code, said_of
from tidegate_devstack.places import find_project

__all__ = ["types"]
_JOBS_LAYER = Path("layers") / "jobs"
_PACKAGE = JOB_PACKAGES[0]


class BrokenJobCode(CliError):
    """Job code can't be loaded."""

    code = "broken-job-code"


@types.command("check")
def check_types(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help=f"The folder that holds the package {_PACKAGE}.",
            show_default="layers/jobs of the project",
        ),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Load job code and targets as a worker would, and print faults. The exit code is 1 if there are any.

    Example: tidegate types check --output json
    """
    session = session_of(context, output)
    if folder is not None:
        _refuse_without_job_code(folder.absolute())
    found = check_job_code((folder or find_project() / _JOBS_LAYER).absolute())
    if session.is_structured:
        session.show(found.as_json())
        if found.faults:
            raise typer.Exit(BrokenJobCode.exit_code)
        return
    for fault in found.unchecked:
        session.tell(f"not checked, because only the build installs a package that it needs: {fault}")
    if found.faults:
        raise BrokenJobCode(said_of(found))
    text = f"{found.folder}: {len(found.types):,} job types can be loaded, with those of tidegate itself"
    if found.targets:
        text += f"\n{len(found.targets):,} of them are targets, which run in pools of worker processes only"
    if found.target_arns:
        text += f"\ntheir worker must be allowed to call: TargetArns={','.join(found.target_arns)}"
    session.out.print(printable_lines(text), markup=False, highlight=False, soft_wrap=True)


def _refuse_without_job_code(folder: Path) -> None:
    """Raises UsageError if a folder exists but has no job code, because its check could find no fault."""
    if folder.is_dir() and not (folder / _PACKAGE).is_dir():
        raise UsageError(f"{folder} does not hold the package {_PACKAGE}; name the folder that holds it")
