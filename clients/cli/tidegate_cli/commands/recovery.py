"""The commands that cancel jobs and that reopen them: cancel, retry, rerun and redrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tidegate.domain.limits import MAX_PAGE_SIZE
from tidegate.domain.states import State
from tidegate_cli.api_answers import number_of, object_of
from tidegate_cli.commands import many_jobs
from tidegate_cli.commands.jobs import JobIdArgument, WorkflowIdArgument, jobs, workflows
from tidegate_cli.commands.operator import PoolArgument, pools
from tidegate_cli.connection import MAX_PAGES
from tidegate_cli.errors import CliError
from tidegate_cli.options import ApiUrlOption, DryRunOption, OutputOption, Session, session_of
from tidegate_cli.views import printable_lines

_CANCELLED = ("cancelled", "asked", "ended")
__all__ = ["jobs", "pools", "workflows"]


@jobs.command("cancel")
def cancel_job(
    context: typer.Context,
    job_id: JobIdArgument,
    downstream: Annotated[
        bool,
        typer.Option(
            "--downstream", help="Also cancel every job that waits for it, directly or through others."
        ),
    ] = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Cancel a job. A running job is stopped by its worker, any other job is cancelled at once.

    Example: tidegate jobs cancel 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3 --downstream
    """
    session = session_of(context, output, api_url)
    found: many_jobs.Summary | None = None
    with session.client() as client:
        if downstream:
            found = many_jobs.cancel_downstream(client, job_id, session.tell, dry_run=dry_run)
            job = found.last["job"]
        else:
            job = client.cancel_job(job_id, dry_run=dry_run)
    if session.is_structured:
        session.show({**job.raw, **({"downstream": found.as_json(*_CANCELLED)} if found else {})})
        return
    if job.state is State.RUNNING:
        _say(session, f"{job.job_id} is RUNNING; its worker {'would be' if dry_run else 'is'} asked to stop")
    elif dry_run:
        would = "has ended already" if job.is_terminal else "would be cancelled"
        _say(session, f"{job.job_id} is {job.state}; it {would}")
    else:
        _say(session, f"{job.job_id} is {job.state}")
    if found:
        _say(session, f"{'would be, ' if dry_run else ''}downstream: {_counts(found)}")


@jobs.command("retry")
def retry_job(
    context: typer.Context,
    job_id: JobIdArgument,
    leave_skipped: Annotated[
        bool, typer.Option("--leave-skipped", help="Do not reopen the jobs that were skipped because of it.")
    ] = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Reopen a job that ended without success.

    Such a job failed, timed out, was cancelled or was skipped.

    Example: tidegate jobs retry 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        job = client.retry_job(job_id, reopen_skipped=not leave_skipped, dry_run=dry_run)
    if session.is_structured:
        session.show(job.raw)
        return
    reopening, would = object_of(job.raw, "reopening"), "would have " if dry_run else ""
    _say(session, f"{job.job_id} is {job.state}; {would}reopened {number_of(reopening, 'reopened')} jobs")
    if not reopening.get("complete", True):
        _say(
            session,
            "more jobs were skipped because of it than one call can reopen: they follow when their upstreams are done",
        )
    _say_what_was_left(session, reopening)


@workflows.command("cancel")
def cancel_workflow(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Cancel every job of a workflow that has not ended.

    Example: tidegate workflows cancel 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = many_jobs.cancel_workflow(client, workflow_id, session.tell, dry_run=dry_run)
    if session.is_structured:
        counts = found.as_json(*_CANCELLED)
        session.show({"workflow_id": workflow_id, **counts, **({"dry_run": True} if dry_run else {})})
    else:
        _say(session, f"{workflow_id}: {'would be, ' if dry_run else ''}{_counts(found)}")


@workflows.command("rerun")
def rerun_workflow(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Reopen the failures of a workflow to run them again.

    They are the jobs that failed, timed out or were cancelled, and those skipped because of them.

    Example: tidegate workflows rerun 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = many_jobs.rerun(client, workflow_id, session.tell, dry_run=dry_run)
    if session.is_structured:
        session.show(
            {
                "workflow_id": workflow_id,
                **found.as_json("reopened", "left_at_limit", "left_without_upstream"),
                **({"dry_run": True} if dry_run else {}),
            }
        )
        return
    reopened = found.counts["reopened"]
    if reopened or not found.is_exact:
        _say(
            session,
            f"{workflow_id}: {'would have ' if dry_run else ''}reopened {found.about}{reopened:,} jobs",
        )
    else:
        _say(session, f"{workflow_id}: nothing to rerun")
    _say_what_was_left(session, found.counts)


@pools.command("redrive")
def redrive_pool(
    context: typer.Context,
    pool: PoolArgument,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, help="The most failed jobs to look at, latest first.", show_default="all"
        ),
    ] = None,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Reopen the jobs whose messages could not be delivered.

    They are the failed jobs of the pool whose messages its queue gave up. Fix the cause first.

    Example: tidegate pools redrive ecs
    """
    session = session_of(context, output, api_url)
    redriven = looked_at = 0
    cursor: str | None = None
    command = f"tidegate pools redrive {pool}" + (f" --limit {limit}" if limit is not None else "")
    with (
        session.client() as client,
        many_jobs.tells_way_on(
            command, lambda: f"{looked_at:,} failed jobs looked at and {redriven:,} reopened"
        ),
    ):
        for _ in range(MAX_PAGES):
            size = MAX_PAGE_SIZE if limit is None else min(MAX_PAGE_SIZE, limit - looked_at)
            page = client.redrive_pool(pool, limit=size, cursor=cursor, dry_run=dry_run)
            redriven += number_of(page, "redriven")
            looked_at += number_of(page, "looked_at")
            cursor = page.get("cursor")
            if cursor is None or (limit is not None and looked_at >= limit):
                break
            session.tell(f"{looked_at:,} failed jobs looked at, {redriven:,} reopened")
        else:
            raise CliError(f"pool {pool} was not looked through within {MAX_PAGES:,} calls")
    answer = {"pool": pool, "redriven": redriven, "looked_at": looked_at, "cursor": cursor}
    if dry_run:
        answer["dry_run"] = True
    if session.is_structured:
        session.show(answer)
    else:
        _say(
            session,
            f"{pool}: of {looked_at:,} failed jobs {redriven:,} were undeliverable and "
            f"{'would be' if dry_run else 'are'} reopened",
        )


def _say_what_was_left(session: Session, reopened: Mapping[str, Any]) -> None:
    """Prints the numbers of jobs that a retry or a rerun could not reopen, with the reasons."""
    if left := number_of(reopened, "left_at_limit"):
        _say(session, f"{left:,} were reopened as often as is allowed: submit them as new jobs")
    if left := number_of(reopened, "left_without_upstream"):
        _say(
            session,
            f"{left:,} can't run (upstream-gone): a job that they wait for has passed its retention; "
            "submit them as new jobs, with the jobs that they need",
        )


def _counts(found: many_jobs.Summary) -> str:
    parts = {"cancelled": "cancelled", "asked": "asked to stop", "ended": "had ended"}
    counts = ", ".join(f"{found.counts[name]:,} {text}" for name, text in parts.items())
    if found.is_exact:
        return counts
    return (
        f"{counts} (an answer was lost: some of those that had ended may have been cancelled by this command)"
    )


def _say(session: Session, text: str) -> None:
    session.out.print(printable_lines(text), markup=False, highlight=False, soft_wrap=True)
