"""Follows a job or a workflow to its end. If the command ends before, its error names the commands that go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import httpx

from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem, Interrupted
from tidegate_cli.following.api_wait import ApiWait
from tidegate_cli.following.follow import (
    Fetch,
    Viewer,
    WaitTimedOut,
    fetch_job,
    fetch_workflow,
    follow,
    no_rest,
)
from tidegate_cli.following.held import explain_with
from tidegate_cli.views import JobView

_IN_A_WORKFLOW = re.compile(r"[0-9A-Z]{26}\.[0-9]+")


def is_workflow(client: Client, some_id: str) -> bool:
    """True if an id is a workflow's. An id without a dot may be either, so the API is asked.

    Raises ApiProblem if the API refuses for another reason than an unknown id.
    """
    if _IN_A_WORKFLOW.fullmatch(some_id):
        return False
    try:
        client.workflow_page(some_id)
    except ApiProblem as problem:
        if problem.status != httpx.codes.NOT_FOUND:
            raise
        return False
    return True


def watch(
    client: Client,
    watched: str,
    viewer: Viewer,
    *,
    of_workflow: bool,
    title: str,
    timeout_seconds: float,
    checks: Sequence[Callable[[], None]] = (),
    shows_changes: bool = True,
) -> tuple[JobView, ...]:
    """Follows the job or workflow with the id `watched` to its end, and returns its jobs.

    Without `shows_changes` the viewer learns of the end alone, so the API may wait for it.

    Raises WaitTimedOut after `timeout_seconds`, and Interrupted on Ctrl-C. Both name the id and the commands that go
    on. Also raises what `checks` raise, which are called at each poll.
    """
    fetch: Fetch = fetch_workflow(client, watched) if of_workflow else fetch_job(client, watched)
    try:
        return follow(
            fetch,
            title,
            viewer,
            timeout_seconds=timeout_seconds,
            checks=checks,
            explain=explain_with(client),
            rest=no_rest if shows_changes else ApiWait(client, watched, of_workflow=of_workflow),
        )
    except KeyboardInterrupt as error:
        kind = "workflow" if of_workflow else "job"
        raise Interrupted(f"interrupted; {kind} {watched} goes on{way_on(watched, of_workflow)}") from error
    except WaitTimedOut as error:
        raise WaitTimedOut(f"{error}{way_on(watched, of_workflow)}") from error


def way_on(watched: str, of_workflow: bool) -> str:
    """Returns the commands that go on with a job or workflow that is no longer followed, a line each."""
    cancel = "workflows cancel" if of_workflow else "jobs cancel"
    return (
        f"\n  tidegate follow {watched}    shows it again"
        f"\n  tidegate wait {watched}    waits for its end and says nothing else"
        f"\n  tidegate {cancel} {watched}    ends it"
    )
