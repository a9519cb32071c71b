"""The command `tidegate jobs list`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from tidegate.domain.job_query import ALL_STATES, Order
from tidegate.domain.states import State
from tidegate_cli.client import Client
from tidegate_cli.commands.choices import word_of
from tidegate_cli.commands.job_filter import JobFilter, takes_job_filter
from tidegate_cli.commands.jobs import jobs, print_jobs
from tidegate_cli.connection import Parameter
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.views import JobView

__all__ = ["jobs"]  # with the command `list`


class Direction(StrEnum):
    """The direction of an order."""

    ASC = "asc"
    DESC = "desc"


StateOption = Annotated[
    list[State] | None,
    typer.Option(
        "--state",
        parser=word_of(State),
        metavar="STATE",
        help=f"Only jobs in this state; may be repeated. One of {', '.join(State)}. Default: all states, "
        "RUNNING with --straggler.",
        show_default=False,
    ),
]
StragglerOption = Annotated[
    bool, typer.Option("--straggler", help="Only RUNNING jobs that run longer than 99 % of their type did.")
]
OrderOption = Annotated[
    Order | None,
    typer.Option(
        "--order",
        parser=word_of(Order),
        metavar="ORDER",
        help="Sort by priority, or by time over all states.",
    ),
]
DirectionOption = Annotated[
    Direction | None,
    typer.Option(
        "--direction", parser=word_of(Direction), metavar="DIRECTION", help="asc or desc; needs --order."
    ),
]
FullOption = Annotated[
    bool, typer.Option("--full", help="With parameters, dependencies, result and history in JSON.")
]


@jobs.command("list")
@takes_job_filter
def list_jobs(
    context: typer.Context,
    *,
    state: StateOption = None,
    wanted: JobFilter,
    straggler: StragglerOption = False,
    order: OrderOption = None,
    direction: DirectionOption = None,
    full: FullOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The most jobs to list.")] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List jobs by filters that combine.

    RUNNING and other jobs that have not ended come first, then failures, then other ended jobs. READY jobs are
    sorted by urgency, ended jobs latest first, all other jobs oldest first. A workflow's jobs come as submitted.

    Example: tidegate jobs list --state RUNNING --state QUEUED --tag team=data
    """
    session = session_of(context, output, api_url)
    filters: dict[str, Parameter] = {
        **wanted.as_parameters(),
        "straggler": "true" if straggler else None,
        "order": order,
        "direction": direction,
        "fields": "full" if full else None,
    }
    with session.client() as client:
        found = _find(client, state, filters, limit)
    _show(session, found, limit)


def _show(session: Session, found: Sequence[JobView], limit: int) -> None:
    if session.is_structured:
        session.show({"jobs": [dict(job.raw) for job in found]})
    else:
        print_jobs(found, session.out)
    session.tell_cut("jobs", len(found), limit)


def _find(
    client: Client, given: Sequence[State] | None, filters: Mapping[str, Parameter], limit: int
) -> list[JobView]:
    stragglers = filters["straggler"] is not None
    states = list(dict.fromkeys(given or ((State.RUNNING,) if stragglers else ALL_STATES)))
    # The API lists stragglers of any states that have RUNNING among them, and refuses others by themselves.
    if "workflow" in filters or filters["order"] is not None or stragglers:
        return list(client.list_jobs({"state": ",".join(states), **filters}, limit=limit))
    return share_out([client.list_jobs({"state": each, **filters}, limit=limit) for each in states], limit)


def share_out(listings: Sequence[Iterator[JobView]], limit: int) -> list[JobView]:
    """Returns at most `limit` jobs of several listings, in the order of the listings.

    In a first round each listing gets half of the jobs that are left to take, and the last one gets all of them. So a
    long listing does not push out those after it. If jobs are still left to take, a second round takes them from the
    first listing on.
    """
    shares: list[list[JobView]] = []
    left = limit
    for number, listing in enumerate(listings, start=1):
        quota = left if number == len(listings) else (left + 1) // 2
        shares.append(list(islice(listing, quota)))
        left -= len(shares[-1])
        if not left:
            break
    for share, listing in zip(shares, listings, strict=False):
        more = list(islice(listing, left))
        share.extend(more)
        left -= len(more)
    return [job for share in shares for job in share]
