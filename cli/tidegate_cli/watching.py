"""Watches a job or a workflow to its end, and names the way on where the watching ends before."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import httpx

from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem, Interrupted
from tidegate_cli.follow import Fetch, Viewer, WaitTimedOut, fetch_job, fetch_workflow, follow
from tidegate_cli.held import explain_with
from tidegate_cli.views import JobView

_IN_A_WORKFLOW = re.compile(r"[0-9A-Z]{26}\.[0-9]+")


def is_workflow(client: Client, some_id: str) -> bool:
    """Whether an id is a workflow's; for an id without a dot the API is asked. Raises ApiProblem."""
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
) -> tuple[JobView, ...]:
    """Follows a job or a workflow to its end and returns its jobs.

    Raises WaitTimedOut after `timeout_seconds`, and Interrupted on Ctrl-C. Both name the id and the way on.
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
        )
    except KeyboardInterrupt as error:
        kind = "workflow" if of_workflow else "job"
        raise Interrupted(f"interrupted; {kind} {watched} goes on{way_on(watched, of_workflow)}") from error
    except WaitTimedOut as error:
        raise WaitTimedOut(f"{error}{way_on(watched, of_workflow)}") from error


def way_on(watched: str, of_workflow: bool) -> str:
    """The commands that go on with what is no longer watched, a line each."""
    cancel = "workflows cancel" if of_workflow else "jobs cancel"
    return (
        f"\n  tidegate follow {watched}    shows it again"
        f"\n  tidegate wait {watched}    waits for its end and says nothing else"
        f"\n  tidegate {cancel} {watched}    ends it"
    )
