"""The command that reruns a job with what follows it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tidegate_cli.api_answers import number_of, object_of
from tidegate_cli.client import MAX_PAGES
from tidegate_cli.commands import many_jobs
from tidegate_cli.commands.change import jobs
from tidegate_cli.commands.jobs import JobIdArgument
from tidegate_cli.errors import CliError, OptionError
from tidegate_cli.options import ApiUrlOption, OutputOption, print_json, session_of
from tidegate_cli.views import printable_lines

__all__ = ["jobs"]


@jobs.command("rerun")
def rerun_job(
    context: typer.Context,
    job_id: JobIdArgument,
    parameters: Annotated[
        str | None,
        typer.Option(
            "--parameters", metavar="JSON", help="New parameters for this job.", show_default="as they are"
        ),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Do not rerun the jobs that follow it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say how many jobs would be rerun.")
    ] = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Run an ended job again, with all that follows it.

    It may have succeeded. Jobs that follow it run again if they have ended, and wait anew if they wait.

    Example: tidegate jobs rerun 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3 --dry-run
    """
    given = None if parameters is None else _parameters_of(parameters)
    session = session_of(context, output, api_url)
    counts = {"rerun": 0, "left_at_limit": 0, "left_active": 0}
    cursor: str | None = None
    with (
        session.client() as client,
        many_jobs.tells_way_on(f"tidegate jobs rerun {job_id}", lambda: f"{counts['rerun']:,} jobs rerun"),
    ):
        for _ in range(MAX_PAGES):
            job = client.rerun_job(
                job_id, parameters=given, downstream=not alone, dry_run=dry_run, cursor=cursor
            )
            found = object_of(job.raw, "rerun")
            counts = {name: count + number_of(found, name) for name, count in counts.items()}
            cursor = found.get("cursor")
            if cursor is None:
                break
            given = None  # the first call has given them to the job
            session.tell(f"{counts['rerun']:,} jobs rerun, going on")
        else:
            raise CliError(f"{job_id} was not rerun within {MAX_PAGES:,} calls")
    if session.is_json:
        print_json({**job.raw, "rerun": {**found, **counts}})
        return
    said = [f"{job.job_id} is {job.state}; {'would rerun' if dry_run else 'reran'} {counts['rerun']:,} jobs"]
    if counts["left_at_limit"]:
        said.append(
            f"{counts['left_at_limit']:,} were reopened as often as is allowed: submit them as new jobs"
        )
    if counts["left_active"]:
        said.append(f"{counts['left_active']:,} were dispatched meanwhile and go on as they are")
    for line in said:
        session.out.print(printable_lines(line), markup=False, highlight=False, soft_wrap=True)


def _parameters_of(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise OptionError("--parameters", f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise OptionError("--parameters", 'is no JSON object; write one, like {"seconds": 2}')
    return value
