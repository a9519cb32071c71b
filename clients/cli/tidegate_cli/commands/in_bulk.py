"""The commands that act on many jobs: they count first, ask, and then go on until all are done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tidegate.domain import limits
from tidegate.domain.states import State
from tidegate_cli.api_answers import number_of, objects_of
from tidegate_cli.client import Client
from tidegate_cli.commands import many_jobs
from tidegate_cli.commands.choices import word_of
from tidegate_cli.commands.job_filter import JobFilter, of_states, takes_job_filter
from tidegate_cli.commands.rerun import jobs
from tidegate_cli.connection import MAX_PAGES
from tidegate_cli.errors import CliError
from tidegate_cli.options import ApiUrlOption, DryRunOption, OutputOption, Session, session_of
from tidegate_cli.views import printable_lines

__all__ = ["jobs"]
_COUNTS = ("done", "asked", "left", "looked_at")
_SHOWN = 20  # jobs that were left, each with the reason
_SAID = {
    "cancel": "cancelled",
    "retry": "retried",
    "reprioritise": "reprioritised",
    "hold": "put on hold",
    "unhold": "taken off hold",
}

StatesOption = Annotated[
    list[State],
    typer.Option(
        "--state",
        parser=word_of(State),
        metavar="STATE",
        help="The state that the jobs are in; may be repeated.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@jobs.command("cancel-all")
@takes_job_filter
def cancel_all(
    context: typer.Context,
    state: StatesOption,
    wanted: JobFilter,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Cancel all jobs that a filter names.

    It counts them first and asks.

    Example: tidegate jobs cancel-all --state READY --pool ecs
    """
    session = session_of(context, output, api_url)
    act_on_all(session, "cancel", {**of_states(state), **wanted.given()}, {}, yes=yes, dry_run=dry_run)


@jobs.command("retry-all")
@takes_job_filter
def retry_all(
    context: typer.Context,
    state: StatesOption,
    wanted: JobFilter,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Retry all jobs that a filter names.

    It counts them first and asks. Jobs that were skipped because of them are opened too.

    Example: tidegate jobs retry-all --state FAILED --type report.build
    """
    session = session_of(context, output, api_url)
    act_on_all(session, "retry", {**of_states(state), **wanted.given()}, {}, yes=yes, dry_run=dry_run)


@jobs.command("reprioritise")
@takes_job_filter
def reprioritise(
    context: typer.Context,
    state: StatesOption,
    priority: Annotated[
        int,
        typer.Option(
            "--priority", min=limits.MIN_PRIORITY, max=limits.MAX_PRIORITY, help="The new priority."
        ),
    ],
    wanted: JobFilter,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Give all waiting jobs that a filter names another priority.

    It counts them first and asks.

    Example: tidegate jobs reprioritise --state READY --pool ecs --priority 900
    """
    session = session_of(context, output, api_url)
    act_on_all(
        session,
        "reprioritise",
        {**of_states(state), **wanted.given()},
        {"priority": priority},
        yes=yes,
        dry_run=dry_run,
    )


def act_on_all(
    session: Session,
    act: str,
    wanted: Mapping[str, Any],
    more: Mapping[str, Any],
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    """Counts the wanted jobs and asks, unless `yes` is set; then acts on all of them and says what became of each."""
    body = {"filter": wanted, "limit": limits.MAX_PAGE_SIZE, **more}
    with session.client() as client:
        if dry_run or not yes:
            foreseen = _all_pages(client, session, act, {**body, "dry_run": True})
            if dry_run:
                _tell(session, act, foreseen, dry_run=True)
                return
            count = foreseen["done"] + foreseen["asked"]
            typer.confirm(f"{act} {count:,} jobs?", abort=True, err=True)
        _tell(session, act, _all_pages(client, session, act, body), dry_run=False)


def _all_pages(client: Client, session: Session, act: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the outcomes and the counts of all pages together. Raises CliError and Interrupted."""
    found: dict[str, Any] = {"jobs": [], **dict.fromkeys(_COUNTS, 0)}
    cursor: str | None = None
    with many_jobs.tells_way_on("the same command", lambda: f"{found['done']:,} jobs {_SAID[act]}"):
        for _ in range(MAX_PAGES):
            page = client.act_in_bulk(act, {**body, **({"cursor": cursor} if cursor else {})})
            found["jobs"] += objects_of(page, "jobs")
            for name in _COUNTS:
                found[name] += number_of(page, name)
            cursor = page.get("cursor")
            if cursor is None:
                return found
            session.tell(f"{found['looked_at']:,} jobs looked at, going on")
    raise CliError(f"the jobs were not gone through within {MAX_PAGES:,} calls; narrow the filter")


def _tell(session: Session, act: str, found: Mapping[str, Any], *, dry_run: bool) -> None:
    if session.is_structured:
        session.show({**found, "dry_run": dry_run})
        return
    would = "would be " if dry_run else ""
    lines = [f"{found['done']:,} jobs {would}{_SAID[act]}"]
    if found["asked"]:
        lines.append(
            f"{found['asked']:,} run: their workers {'would be' if dry_run else 'are'} asked to stop them"
        )
    if found["left"]:
        lines.append(f"{found['left']:,} {would or 'were '}left")
    left = [each for each in found["jobs"] if each.get("outcome") == "LEFT"]
    lines += [f"  {each.get('job_id')} {each.get('state')}: {each.get('reason')}" for each in left[:_SHOWN]]
    for line in lines:
        session.out.print(printable_lines(line), markup=False, highlight=False, soft_wrap=True)
