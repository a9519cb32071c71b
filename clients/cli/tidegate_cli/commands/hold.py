"""The commands that put waiting jobs on hold, and take them off hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import typer

from tidegate_cli.api_answers import number_of
from tidegate_cli.commands import many_jobs
from tidegate_cli.commands.in_bulk import StatesOption, YesOption, act_on_all, jobs
from tidegate_cli.commands.job_filter import JobFilter, of_states, takes_job_filter
from tidegate_cli.commands.jobs import JobIdArgument, WorkflowIdArgument
from tidegate_cli.commands.progress import workflows
from tidegate_cli.connection import MAX_PAGES
from tidegate_cli.errors import CliError
from tidegate_cli.options import ApiUrlOption, DryRunOption, OutputOption, Session, session_of
from tidegate_cli.views import JobView, printable_lines

__all__ = ["jobs", "workflows"]
_COUNTS = ("changed", "same", "dispatched", "ended", "at_limit")


@jobs.command("hold")
def hold_job(
    context: typer.Context, job_id: JobIdArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Put a waiting job on hold, so that it does not start.

    A job that is QUEUED, runs or has ended can't be put on hold any more.

    Example: tidegate jobs hold 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _say_job(session, client.hold_job(job_id), "on hold")


@jobs.command("unhold")
def unhold_job(
    context: typer.Context, job_id: JobIdArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Take a job off hold.

    Example: tidegate jobs unhold 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _say_job(session, client.unhold_job(job_id), "not on hold")


@jobs.command("hold-all")
@takes_job_filter
def hold_all(
    context: typer.Context,
    state: StatesOption,
    wanted: JobFilter,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Put all waiting jobs that a filter names on hold.

    It counts them first and asks.

    Example: tidegate jobs hold-all --state PENDING --state READY --tag team=data
    """
    session = session_of(context, output, api_url)
    act_on_all(session, "hold", {**of_states(state), **wanted.given()}, {}, yes=yes, dry_run=dry_run)


@jobs.command("unhold-all")
@takes_job_filter
def unhold_all(
    context: typer.Context,
    state: StatesOption,
    wanted: JobFilter,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Take all jobs that a filter names off hold.

    It counts them first and asks.

    Example: tidegate jobs unhold-all --state PENDING --state SCHEDULED --tag team=data
    """
    session = session_of(context, output, api_url)
    act_on_all(session, "unhold", {**of_states(state), **wanted.given()}, {}, yes=yes, dry_run=dry_run)


@workflows.command("hold")
def hold_workflow(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Put every job of a workflow on hold that still waits.

    Example: tidegate workflows hold 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _act_on_workflow(session, workflow_id, client.hold_workflow, "put on hold")


@workflows.command("unhold")
def unhold_workflow(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Take every job of a workflow off hold.

    Example: tidegate workflows unhold 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _act_on_workflow(session, workflow_id, client.unhold_workflow, "taken off hold")


def _say_job(session: Session, job: JobView, what: str) -> None:
    if session.is_structured:
        session.show(job.raw)
    else:
        _say(session, f"{job.job_id} is {job.state}, {what}")


def _act_on_workflow(
    session: Session, workflow_id: str, act: Callable[[str, str | None], Mapping[str, Any]], done: str
) -> None:
    """Calls again until all jobs were looked at. Raises CliError and Interrupted."""
    counts = dict.fromkeys(_COUNTS, 0)
    cursor: str | None = None
    with many_jobs.tells_way_on("the same command", lambda: f"{counts['changed']:,} jobs {done}"):
        for _ in range(MAX_PAGES):
            found = act(workflow_id, cursor)
            counts = {name: count + number_of(found, name) for name, count in counts.items()}
            cursor = found.get("cursor")
            if cursor is None:
                break
            session.tell(f"{counts['changed']:,} jobs {done}, going on")
        else:
            raise CliError(f"the jobs of {workflow_id} were not gone through within {MAX_PAGES:,} calls")
    if session.is_structured:
        session.show({"workflow_id": workflow_id, **counts, "complete": True})
        return
    said = [f"{counts['changed']:,} jobs {done}"]
    said += [f"{counts['dispatched']:,} are dispatched and go on"] if counts["dispatched"] else []
    said += [f"{counts['at_limit']:,} were changed as often as is allowed"] if counts["at_limit"] else []
    _say(session, f"{workflow_id}: {', '.join(said)}")


def _say(session: Session, text: str) -> None:
    session.out.print(printable_lines(text), markup=False, highlight=False, soft_wrap=True)
