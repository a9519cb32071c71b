"""The commands `tidegate follow` and `tidegate wait`, for jobs and workflows that were submitted before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from tidegate_cli import ids
from tidegate_cli.commands.jobs import print_job, print_jobs, upstream_labels
from tidegate_cli.following.follow import Snapshot, Viewer, exit_code_of
from tidegate_cli.following.live import counts_text, viewer_for
from tidegate_cli.following.watching import is_workflow, watch
from tidegate_cli.interrupts import ends_like_ctrl_c
from tidegate_cli.options import (
    DEFAULT_WAIT_SECONDS,
    ApiUrlOption,
    OutputOption,
    Session,
    TimeoutOption,
    session_of,
)

_IdArgument = Annotated[
    str,
    typer.Argument(metavar="ID", callback=ids.any_id, help="A job or a workflow, as `submit` printed it."),
]


class _Silent:
    """A viewer that shows nothing."""

    def show(self, snapshot: Snapshot) -> None:
        """Does nothing with a snapshot."""


@contextmanager
def _silence() -> Iterator[Viewer]:
    yield _Silent()


def follow(
    context: typer.Context,
    watched: _IdArgument,
    timeout_seconds: TimeoutOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show a job or a workflow until it ends. The exit code says how it ended.

    Example: tidegate follow 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    _watch(session_of(context, output, api_url), watched, timeout_seconds, silent=False)


def wait(
    context: typer.Context,
    watched: _IdArgument,
    timeout_seconds: TimeoutOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Wait without output until a job or a workflow ends.

    Then the command prints how it ended. The exit code says so too.

    Example: tidegate wait 01JD3V8Q5S2Y6W9K4M7N0P1R2T --timeout-seconds 600
    """
    _watch(session_of(context, output, api_url), watched, timeout_seconds, silent=True)


def register(app: typer.Typer) -> None:
    """Adds the commands follow and wait to `app`."""
    app.command()(follow)
    app.command()(wait)


def _watch(session: Session, watched: str, timeout_seconds: float | None, *, silent: bool) -> None:
    with ends_like_ctrl_c(), session.client() as client:
        of_workflow = is_workflow(client, watched)
        with _silence() if silent else viewer_for(session.err) as viewer:
            jobs = watch(
                client,
                watched,
                viewer,
                of_workflow=of_workflow,
                title=watched,
                timeout_seconds=timeout_seconds or DEFAULT_WAIT_SECONDS,
                shows_changes=not silent,
            )
        if session.is_structured:
            session.show(client.get_workflow(watched).as_json() if of_workflow else jobs[0].raw)
        elif silent:
            session.out.print(f"{watched} ", counts_text(jobs), sep=" ", soft_wrap=True, highlight=False)
        elif of_workflow:
            print_jobs(jobs, session.out)
        else:
            print_job(jobs[0], session.out, upstream_labels(client, jobs[0]))
    raise typer.Exit(exit_code_of(jobs))
