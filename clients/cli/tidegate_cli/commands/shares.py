"""The commands of `tidegate shares`: show, set and remove the shares of a pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from tidegate.domain import limits
from tidegate_cli import ids
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.tables import Column, TextTable, print_fields, print_table
from tidegate_cli.views import printable

shares = typer.Typer(help="Show, set and remove the shares of a pool.", no_args_is_help=True)

PoolArgument = Annotated[str, typer.Argument(metavar="POOL", callback=ids.pool_name, help="For example ecs")]
ShareArgument = Annotated[
    str, typer.Argument(metavar="SHARE", callback=ids.share_name, help="For example reports")
]
_COLUMNS = (
    Column("share", fixed=True),
    Column("weight", 100, right=True),
    Column("max priority", 80, right=True),
    Column("max waiting", 70, right=True),
    Column("set by", 20, folds=True),
)


@shares.command("list")
def list_shares(
    context: typer.Context, pool: PoolArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """List the shares of a pool.

    Example: tidegate shares list ecs
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_shares(pool)
    if session.is_structured:
        session.show({"shares": [dict(each) for each in found]})
    elif found:
        names = ("share", "weight", "max_priority", "max_waiting", "by")
        rows = [tuple(_plain(each.get(name)) for name in names) for each in found]
        print_table(TextTable(_COLUMNS, rows), session.out)
    else:
        session.out.print(Text("no shares", style="dim"))


@shares.command("get")
def get_share(
    context: typer.Context,
    pool: PoolArgument,
    share: ShareArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show one share of a pool.

    Example: tidegate shares get ecs reports
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.get_share(pool, share), session)


@shares.command("set")
def set_share(
    context: typer.Context,
    pool: PoolArgument,
    share: ShareArgument,
    weight: Annotated[
        int,
        typer.Option("--weight", min=1, max=limits.MAX_SHARE_WEIGHT, help="Beside the pool's other shares."),
    ] = 1,
    max_priority: Annotated[
        int | None,
        typer.Option(
            "--max-priority",
            min=limits.MIN_PRIORITY,
            max=limits.MAX_PRIORITY,
            help="The highest priority of its jobs; none without it.",
        ),
    ] = None,
    max_waiting: Annotated[
        int | None,
        typer.Option(
            "--max-waiting",
            min=1,
            max=limits.MAX_SHARE_WAITING,
            help="How many of its jobs may wait; no bound without it.",
        ),
    ] = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Make a share of a pool, or change its weight and bounds.

    Example: tidegate shares set ecs reports --weight 3 --max-priority 500
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        made = client.set_share(
            pool, share, weight=weight, max_priority=max_priority, max_waiting=max_waiting
        )
        _show(made, session)


@shares.command("remove")
def remove_share(
    context: typer.Context,
    pool: PoolArgument,
    share: ShareArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Remove a share of a pool. Its jobs that wait are still dispatched.

    Example: tidegate shares remove ecs reports
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.remove_share(pool, share), session)


def _show(share: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(share)
    else:
        print_fields([(name, _plain(value)) for name, value in share.items()], session.out)


def _plain(value: Any) -> str:
    return "-" if value is None else printable(str(value))
