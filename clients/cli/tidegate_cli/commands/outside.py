"""The commands by which a job outside goes on and ends: `tidegate heartbeat` and `tidegate finish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate_cli.commands.jobs import JobIdArgument
from tidegate_cli.documents.structures import load
from tidegate_cli.documents.submissions import read_text
from tidegate_cli.errors import OptionError
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.views import JobView, printable_lines

TokenOption = Annotated[
    str,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="A file with the attempt's token alone, or - for standard input. A command line is no place for it.",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the root."""
    app.command("finish")(finish)
    app.command("heartbeat")(heartbeat)


def finish(
    context: typer.Context,
    job_id: JobIdArgument,
    token_file: TokenOption,
    result: Annotated[
        str | None, typer.Option("--result", metavar="JSON", help="The result, as JSON of at most 4 KB.")
    ] = None,
    error: Annotated[
        str | None, typer.Option("--error", metavar="CODE", help="The attempt failed, with this code.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", metavar="TEXT", help="Why it failed, for people; with --error.")
    ] = None,
    no_retry: Annotated[
        bool, typer.Option("--no-retry", help="Another attempt would be of no use; with --error.")
    ] = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """End a job outside by its token.

    The token is that of the attempt that its code handed over. Without --error the job succeeds. The same call again
    answers as the first.

    Example: tidegate finish 01JD3V8Q5S2Y6W9K4M7N0P1R2T --token-file token.txt --result '{"frames": 240}'
    """
    session = session_of(context, output, api_url)
    token = _token_of(token_file)
    if error is None and (message is not None or no_retry):
        raise OptionError("--message" if message is not None else "--no-retry", "needs --error")
    if error is not None and result is not None:
        raise OptionError("--result", "has no meaning beside --error; leave one of them out")
    with session.client() as client:
        if error is None:
            job = client.finish_job(job_id, token, None if result is None else load(result, "--result"))
        else:
            failure: dict[str, Any] = {"code": error, "message": message or "", "retryable": not no_retry}
            job = client.fail_job(job_id, token, failure)
    say_job(session, job)


def heartbeat(
    context: typer.Context,
    job_id: JobIdArgument,
    token_file: TokenOption,
    progress: Annotated[
        float | None, typer.Option("--progress", min=0.0, max=1.0, help="How far it is, from 0 to 1.")
    ] = None,
    message: Annotated[
        str | None,
        typer.Option("--message", metavar="TEXT", help="What it does, for people; with --progress."),
    ] = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Say that a job outside goes on.

    Example: tidegate heartbeat 01JD3V8Q5S2Y6W9K4M7N0P1R2T --token-file token.txt --progress 0.5
    """
    session = session_of(context, output, api_url)
    token = _token_of(token_file)
    if message is not None and progress is None:
        raise OptionError("--message", "needs --progress")
    with session.client() as client:
        answer = client.beat_job(job_id, token, progress, message or "")
    if session.is_structured:
        session.show(answer)
        return
    outside = answer.get("outside") or {}
    told = f"{job_id} has its lease until {outside.get('lease_expires_at')}"
    session.out.print(printable_lines(told), markup=False, highlight=False, soft_wrap=True)


def say_job(session: Session, job: JobView) -> None:
    """Shows a job after an act: as it is in JSON, or its state in one line."""
    if session.is_structured:
        session.show(job.raw)
        return
    session.out.print(
        printable_lines(f"{job.job_id} is {job.state}"), markup=False, highlight=False, soft_wrap=True
    )


def _token_of(name: str) -> str:
    token = read_text(name if name == "-" else str(Path(name))).strip()
    if not token or len(token.split()) != 1:
        raise OptionError("--token-file", "must hold the token alone, on one line")
    return token
