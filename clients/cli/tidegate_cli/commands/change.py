"""The commands that change a job while it waits, and a workflow."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidegate.domain import limits
from tidegate_cli.commands.jobs import JobIdArgument, WorkflowIdArgument, workflows
from tidegate_cli.commands.logs import jobs
from tidegate_cli.errors import OptionError, UsageError
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.views import printable_lines

_NONE = "none"
__all__ = ["jobs", "workflows"]


_PriorityOption = Annotated[
    int | None,
    typer.Option(
        "--priority",
        min=limits.MIN_PRIORITY,
        max=limits.MAX_PRIORITY,
        help="The new priority; higher starts first.",
        show_default=False,
    ),
]
_NotBeforeOption = Annotated[
    str | None,
    typer.Option(
        "--not-before",
        metavar="TIME",
        help="Do not start the job before this time, like 2026-12-01T06:00:00Z; none takes the time off.",
        show_default=False,
    ),
]
_FinishByOption = Annotated[
    str | None,
    typer.Option(
        "--finish-by",
        metavar="TIME",
        help="When the job ought to have ended, like 2026-12-01T06:00:00Z; none takes the time off. Changes no order.",
        show_default=False,
    ),
]
_PoolOption = Annotated[
    str | None, typer.Option("--pool", help="The pool that is to run the job.", show_default=False)
]
_DescriptionOption = Annotated[
    str | None,
    typer.Option(
        "--description", help="The new description; an empty text takes it off.", show_default=False
    ),
]
_TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="NAME=VALUE",
        help="A tag; may be repeated. All tags that the job has are replaced; none takes them off.",
        show_default=False,
    ),
]


_WorkflowFinishByOption = Annotated[
    str,
    typer.Option(
        "--finish-by",
        metavar="TIME",
        help="When the last job ought to have ended, like 2026-12-01T06:00:00Z; none takes the time off. Changes no "
        "order.",
        show_default=False,
    ),
]


@jobs.command("change")
def change_job(
    context: typer.Context,
    job_id: JobIdArgument,
    priority: _PriorityOption = None,
    not_before: _NotBeforeOption = None,
    finish_by: _FinishByOption = None,
    pool: _PoolOption = None,
    description: _DescriptionOption = None,
    tag: _TagOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Change a job that still waits.

    A job that is QUEUED, runs or has ended can't be changed any more.

    Example: tidegate jobs change 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3 --priority 900
    """
    changes: dict[str, Any] = {}
    if priority is not None:
        changes["priority"] = priority
    if not_before is not None:
        changes["not_before"] = None if not_before == _NONE else not_before
    if finish_by is not None:
        changes["finish_by"] = None if finish_by == _NONE else finish_by
    if pool is not None:
        changes["pool"] = pool
    if description is not None:
        changes["description"] = description or None
    if tag is not None:
        changes["tags"] = tags_of(tag)
    if not changes:
        raise UsageError(
            "nothing to change: name at least one of --priority, --not-before, --finish-by, --pool, --description "
            "and --tag"
        )
    session = session_of(context, output, api_url)
    with session.client() as client:
        job = client.change_job(job_id, changes)
    if session.is_structured:
        session.show(job.raw)
        return
    told = f"{job.job_id} is {job.state}: changed {', '.join(changes)}"
    session.out.print(printable_lines(told), markup=False, highlight=False, soft_wrap=True)


@workflows.command("change")
def change_workflow(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    finish_by: _WorkflowFinishByOption,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Change when a workflow ought to have ended.

    Example: tidegate workflows change 01JD3V8Q5S2Y6W9K4M7N0P1R2T --finish-by 2026-12-01T06:00:00Z
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.change_workflow(workflow_id, None if finish_by == _NONE else finish_by)
    if session.is_structured:
        session.show(dict(found))
        return
    by = found.get("finish_by")
    told = f"{workflow_id} ought to end by {by}" if by else f"{workflow_id} has no time to finish by"
    session.out.print(printable_lines(told), markup=False, highlight=False, soft_wrap=True)


def tags_of(given: list[str]) -> dict[str, str]:
    """Returns the tags by name. Raises OptionError for one that has no value."""
    if given == [_NONE]:
        return {}
    tags = {}
    for each in given:
        name, found, value = each.partition("=")
        if not found:
            raise OptionError("--tag", f"{each!r} has no value: write NAME=VALUE, like team=data")
        tags[name] = value
    return tags
