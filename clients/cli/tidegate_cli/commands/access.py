"""The commands of `tidegate grants`: show, set and remove the roles and shared namespaces of callers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from tidegate_cli.commands.choices import word_of
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.tables import Column, TextTable, print_fields, print_table
from tidegate_cli.views import printable

grants = typer.Typer(help="Show, set and remove what operators allow callers.", no_args_is_help=True)


class GrantedRole(StrEnum):
    """A role that a grant can give."""

    CLIENT = "client"
    OPERATOR = "operator"


NamespaceArgument = Annotated[
    str,
    typer.Argument(
        metavar="CALLER",
        help="A user or a role, such as arn:aws:iam::123456789012:role/Nightly, or ISSUER#SUB of a token.",
    ),
]
_COLUMNS = (
    Column("caller", fixed=True),
    Column("role", 100),
    Column("namespaces", 80, folds=True),
    Column("set by", 20, folds=True),
)


@grants.command("list")
def list_grants(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """List the grants of all callers.

    Example: tidegate grants list
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_grants()
    if session.is_structured:
        session.show({"grants": [dict(each) for each in found]})
    elif found:
        rows = [
            tuple(
                printable(str(text)) for text in (each["namespace"], each["role"], _names(each), each["by"])
            )
            for each in found
        ]
        print_table(TextTable(_COLUMNS, rows), session.out)
    else:
        session.out.print(Text("no grants", style="dim"))


@grants.command("set")
def set_grant(
    context: typer.Context,
    namespace: NamespaceArgument,
    role: Annotated[
        GrantedRole,
        typer.Option(
            "--role",
            metavar="ROLE",
            parser=word_of(GrantedRole),
            help="client, or operator: may act on the jobs of others.",
        ),
    ] = GrantedRole.CLIENT,
    namespaces: Annotated[
        list[str] | None,
        typer.Option("--namespace", metavar="NAME", help="A shared namespace for keys; may be repeated."),
    ] = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Give a caller a role and shared namespaces.

    They replace those that the caller had.

    Example: tidegate grants set arn:aws:iam::123456789012:role/Nightly --namespace team-a
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_grant(namespace, role=role.value, namespaces=namespaces or []), session)


@grants.command("remove")
def remove_grant(
    context: typer.Context,
    namespace: NamespaceArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Remove the grant of a caller, and show it as it was.

    Example: tidegate grants remove arn:aws:iam::123456789012:role/Nightly
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.remove_grant(namespace), session)


def _names(grant: Mapping[str, Any]) -> str:
    return ", ".join(map(str, grant.get("namespaces", ()))) or "-"


def _show(grant: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(grant)
        return
    fields = [(name, printable(str(value))) for name, value in grant.items() if name != "namespaces"]
    print_fields([*fields, ("namespaces", printable(_names(grant)))], session.out)
