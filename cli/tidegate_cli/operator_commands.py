"""`tidegate pools` and `tidegate types`: what there is, and what operators hold back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tidegate.domain import limits
from tidegate_cli.errors import UsageError
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, print_json, session_of
from tidegate_cli.views import printable

pools = typer.Typer(help="Pools: their load, pause, resume and redrive.", no_args_is_help=True)
types = typer.Typer(help="Job types: pause, resume and limit.", no_args_is_help=True)

PoolArgument = Annotated[str, typer.Argument(metavar="POOL", help="For example ecs")]
TypeArgument = Annotated[str, typer.Argument(metavar="TYPE", help="For example tidegate.sleep")]
_NO_LIMIT = "none"


@pools.command("list")
def list_pools(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """List the pools with what they have to do.

    Example: tidegate pools list --output json
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_pools()
    if session.is_json:
        print_json({"pools": [dict(pool) for pool in found]})
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
    """Dispatch nothing more in a pool; what was dispatched before runs on.

    Example: tidegate pools pause ecs
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_pool_paused(pool, True), session)


@pools.command("resume")
def resume_pool(
    context: typer.Context, pool: PoolArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Dispatch in a pool again.

    Example: tidegate pools resume ecs
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_pool_paused(pool, False), session)


@types.command("list")
def list_types(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """List the registered job types with what holds for them.

    Example: tidegate types list
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_types()
    if session.is_json:
        print_json({"types": [dict(each) for each in found]})
    else:
        _print_types(found, session.out)


@types.command("get")
def get_type(
    context: typer.Context, job_type: TypeArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Show one job type.

    Example: tidegate types get tidegate.sleep
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.get_type(job_type), session)


@types.command("pause")
def pause_type(
    context: typer.Context, job_type: TypeArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Dispatch no more jobs of a type, in any pool; those dispatched before run on.

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
        str, typer.Argument(metavar="N", help=f"1 to {limits.MAX_TYPE_LIMIT} jobs at once; none: no limit.")
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
    raise UsageError(
        f"the limit is {printable(text)[:20]!r}; it must be a number from 1 to {limits.MAX_TYPE_LIMIT}, "
        f"or {_NO_LIMIT} for no limit"
    )


def _show(found: Mapping[str, Any], session: Session) -> None:
    if session.is_json:
        print_json(found)
        return
    table = Table.grid(padding=(0, 2))
    for name, value in found.items():
        if name != "changes":
            table.add_row(Text(name, style="dim"), escape(_plain(value)))
    for name, change in (found.get("changes") or {}).items():
        if change:
            said = f"by {change.get('by')} at {change.get('at')}"
            table.add_row(Text(f"{name} set", style="dim"), escape(printable(said)))
    session.out.print(table)


def _print_pools(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    columns = ("pool", "kind", "capacity", "workers", "active", "ready", "held", "paused", "offers", "tags")
    table = _table(columns, right=("capacity", "workers", "active", "ready", "held"))
    for pool in found:
        kind = pool.get("kind") if pool.get("deployed", True) else "not deployed"
        shown = (pool.get("name"), kind, *(pool.get(name) for name in columns[2:7]))
        rest = (pool.get("capabilities"), pool.get("tags"))
        table.add_row(*(escape(_plain(value)) for value in shown), _paused(pool), *map(_escaped, rest))
    console.print(table)


def _print_types(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    table = _table(("type", "paused", "at once"), right=("at once",))
    for each in found:
        limit = each.get("max_running")
        name = _escaped(each.get("type")) + ("" if each.get("deployed", True) else " (not deployed)")
        table.add_row(name, _paused(each), "-" if limit is None else str(limit))
    console.print(table if found else Text("no job types", style="dim"))


def _table(columns: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def _paused(found: Mapping[str, Any]) -> Text:
    return Text("paused", style="yellow") if found.get("paused") else Text("-")


def _escaped(value: Any) -> str:
    return escape(_plain(value))


def _plain(value: Any) -> str:
    """A value for people: a count with a + where there are more, lists and tags with commas, - for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and value.keys() == {"count", "more"}:
        return f"{value['count']}{'+' if value['more'] else ''}"
    if isinstance(value, Mapping):
        value = [f"{name}={held}" for name, held in value.items()]
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return printable("-" if value is None or value == "" else str(value))
