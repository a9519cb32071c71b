"""The commands about approvals: `tidegate approvals`, `tidegate approve` and `tidegate reject`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidegate.domain.outside import APPROVAL_TYPE
from tidegate.domain.states import State
from tidegate_cli.commands.jobs import JobIdArgument
from tidegate_cli.commands.outside import say_job
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.views import JobView, printable_lines

CommentOption = Annotated[
    str, typer.Option("--comment", metavar="TEXT", help="The reason, which the job keeps.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the root."""
    app.command("approvals")(approvals)
    app.command("approve")(approve)
    app.command("reject")(reject)


def approvals(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="The most approvals to list.")
    ] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List the approvals that wait.

    Those that time out first stand at the top.

    Example: tidegate approvals
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        wanted = {"state": str(State.RUNNING), "type": APPROVAL_TYPE}
        found = [job for job in client.list_jobs(wanted, limit=limit) if job.raw.get("outside")]
    if session.is_structured:
        session.show({"jobs": [dict(job.raw) for job in found]})
    else:
        for job in found:
            session.out.print(printable_lines(_line(job)), markup=False, highlight=False, soft_wrap=True)
        if not found:
            session.out.print("no approvals wait")
    session.tell_cut("approvals", len(found), limit)


def approve(
    context: typer.Context,
    job_id: JobIdArgument,
    comment: CommentOption = "",
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Approve a job that waits for an approval.

    Operators and the callers that the job names may do that, but nobody alone for a job of its own.

    Example: tidegate approve 01JD3V8Q5S2Y6W9K4M7N0P1R2T --comment "figures checked"
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        say_job(session, client.approve_job(job_id, comment))


def reject(
    context: typer.Context,
    job_id: JobIdArgument,
    comment: CommentOption = "",
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Reject a job that waits for an approval.

    It fails, and is not retried.

    Example: tidegate reject 01JD3V8Q5S2Y6W9K4M7N0P1R2T --comment "figures are wrong"
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        say_job(session, client.reject_job(job_id, comment))


def _line(job: JobView) -> str:
    title = (job.raw.get("progress") or {}).get("message") or job.name or "-"
    until = (job.raw.get("outside") or {}).get("until")
    return f"{job.job_id}  until {until}  {title}"
