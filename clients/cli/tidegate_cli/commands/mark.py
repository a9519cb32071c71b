"""The command that ends a job by hand."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tidegate_cli.api_answers import number_of, object_of
from tidegate_cli.commands.choices import word_of
from tidegate_cli.commands.hold import jobs
from tidegate_cli.commands.jobs import JobIdArgument
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.views import printable_lines

__all__ = ["jobs"]


class EndByHand(StrEnum):
    """The states in which a job can be ended by hand."""

    SUCCEEDED = "SUCCEEDED"
    SKIPPED = "SKIPPED"


@jobs.command("mark")
def mark_job(
    context: typer.Context,
    job_id: JobIdArgument,
    state: Annotated[
        EndByHand,
        typer.Option("--as", parser=word_of(EndByHand), metavar="STATE", help="succeeded or skipped."),
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="The reason, which the job's history keeps.")
    ],
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """End a job by hand that waits, or that ended without success.

    Jobs that wait for it go on as after any other end. Jobs that were skipped because of it are opened again.

    Example: tidegate jobs mark 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3 --as succeeded --reason "loaded by hand"
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        job = client.mark_job(job_id, state, reason)
    if session.is_structured:
        session.show(job.raw)
        return
    reopened = number_of(object_of(job.raw, "reopening"), "reopened")
    told = f"{job.job_id} is {job.state}" + (f"; reopened {reopened:,} jobs" if reopened else "")
    session.out.print(printable_lines(told), markup=False, highlight=False, soft_wrap=True)
