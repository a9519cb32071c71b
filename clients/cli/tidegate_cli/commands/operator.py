"""The commands of `tidegate pools` and `tidegate types`: show them, pause and resume them, limit types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tidegate.domain import limits
from tidegate_cli import ids
from tidegate_cli.errors import OptionError
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.views import printable

pools = typer.Typer(help="Show pools, pause and resume them, retry undeliverable jobs.", no_args_is_help=True)
types = typer.Typer(
    help="Show job types, pause, resume and limit them, check job code.", no_args_is_help=True
)

PoolArgument = Annotated[str, typer.Argument(metavar="POOL", callback=ids.pool_name, help="For example ecs")]
TypeArgument = Annotated[
    str, typer.Argument(metavar="TYPE", callback=ids.type_name, help="For example tidegate.sleep")
]
_NO_LIMIT = "none"
_SCHEMA = "parameters_schema"


@pools.command("list")
def list_pools(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """List the pools with their load.

    Example: tidegate pools list --output json
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_pools()
    if session.is_structured:
        session.show({"pools": [dict(pool) for pool in found]})
    else:
        _print_pools(found, session.out)


@pools.command("get")
def get_pool(
    context: typer.Context, pool: PoolArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Show one pool.

    Example: tidegate pools get ecs
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.get_pool(pool), session)


@pools.command("pause")
def pause_pool(
    context: typer.Context, pool: PoolArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Stop dispatching jobs in a pool. Jobs that were dispatched before go on.

    Example: tidegate pools pause ecs
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_pool_paused(pool, True), session)


@pools.command("resume")
def resume_pool(
    context: typer.Context, pool: PoolArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Dispatch jobs in a pool again.

    Example: tidegate pools resume ecs
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_pool_paused(pool, False), session)


@types.command("list")
def list_types(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """List the registered job types with their rules.

    The column "workers" says how many live workers can have a type that only workers announced: all of its pool but
    those that report that they lack it.

    Example: tidegate types list
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_types()
    if session.is_structured:
        session.show({"types": [dict(each) for each in found]})
    else:
        _print_types(found, session.out)


@types.command("get")
def get_type(
    context: typer.Context, job_type: TypeArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Show one job type with its parameters.

    The parameters are shown as a JSON Schema.

    Example: tidegate types get tidegate.sleep
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.get_type(job_type), session)


@types.command("pause")
def pause_type(
    context: typer.Context, job_type: TypeArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Stop dispatching jobs of a type, in every pool. Jobs that were dispatched before go on.

    Example: tidegate types pause tidegate.sleep
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_type_paused(job_type, True), session)


@types.command("resume")
def resume_type(
    context: typer.Context, job_type: TypeArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Dispatch jobs of a type again.

    Example: tidegate types resume tidegate.sleep
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_type_paused(job_type, False), session)


@types.command("limit")
def limit_type(
    context: typer.Context,
    job_type: TypeArgument,
    max_running: Annotated[
        str, typer.Argument(metavar="N", help=f"1 to {limits.MAX_TYPE_LIMIT} jobs, or `none`.")
    ],
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Limit how many jobs of a type run at once, over all pools.

    Example: tidegate types limit tidegate.sleep 3
    """
    session = session_of(context, output, api_url)
    limit = _limit(max_running)
    with session.client() as client:
        _show(client.limit_type(job_type, limit), session)


def _limit(text: str) -> int | None:
    if text == _NO_LIMIT:
        return None
    if re.fullmatch("[0-9]{1,3}", text) and 1 <= int(text) <= limits.MAX_TYPE_LIMIT:
        return int(text)
    raise OptionError(
        "N",
        f"is {printable(text)[:20]!r}; it must be a number from 1 to {limits.MAX_TYPE_LIMIT}, "
        f"or {_NO_LIMIT} for no limit",
    )


def _show(found: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(found)
        return
    fields = [
        (
            name,
            printable(json.dumps(value, ensure_ascii=False)) if name == _SCHEMA and value else _plain(value),
        )
        for name, value in found.items()
        if name != "changes"
    ]
    changes = found.get("changes")
    for name, change in changes.items() if isinstance(changes, Mapping) else ():
        if isinstance(change, Mapping):
            fields.append((f"{name} set", f"by {change.get('by')} at {change.get('at')}"))
    print_fields(fields, session.out)


POOL_COLUMNS = (
    Column("pool", fixed=True),
    Column("kind", 40),
    Column("capacity", 80, right=True),
    Column("workers", 60, right=True),
    Column("active", 70, right=True),
    Column("ready", 100, right=True),
    Column("held", 50, right=True),
    Column("paused", 90),
    Column("offers", 30, folds=True),
    Column("tags", 20, folds=True),
)
_TYPE_COLUMNS = (
    Column("type", fixed=True),
    Column("paused", 20),
    Column("at once", 10, right=True),
    Column("second attempt", 14),
    Column("workers", 12, right=True),
)


def _print_pools(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    rows: list[Sequence[Cell]] = [
        (
            _plain(pool.get("name")),
            _plain(pool.get("kind")) if pool.get("deployed", True) else "not deployed",
            *(_plain(pool.get(name)) for name in ("capacity", "workers", "active", "ready", "held")),
            _paused(pool),
            _plain(pool.get("capabilities")),
            _plain(pool.get("tags")),
        )
        for pool in found
    ]
    print_table(TextTable(POOL_COLUMNS, rows), console)


def _print_types(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    rows = [
        (
            _plain(each.get("type")) + ("" if each.get("deployed", True) else " (not deployed)"),
            _paused(each),
            _plain(each.get("max_running")),
            _plain(each.get("second_attempt")),
            _workers_with(each),
        )
        for each in found
    ]
    if rows:
        print_table(TextTable(_TYPE_COLUMNS, rows), console)
    else:
        console.print(Text("no job types", style="dim"))


def _workers_with(found: Mapping[str, Any]) -> str:
    """Returns how many live workers can have an announced type; a deployed one needs no worker of its own."""
    announced = found.get("announced")
    return _plain(announced.get("live_workers")) if isinstance(announced, Mapping) else "-"


def _paused(found: Mapping[str, Any]) -> Text:
    return Text("paused", style="yellow") if found.get("paused") else Text("-")


def _plain(value: Any) -> str:
    """Formats a value for people: a count with a + if there are more, lists and tags with commas, - for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and value.keys() == {"count", "more"}:
        return f"{value['count']}{'+' if value['more'] else ''}"
    if isinstance(value, Mapping):
        value = [f"{name}={held}" for name, held in value.items()]
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return printable("-" if value is None or value == "" else str(value))
