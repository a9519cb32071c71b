"""The commands of `tidegate local users`: the people who may sign in at the stack on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

import tidegate_devstack
from tidegate.domain.roles import Role
from tidegate_cli.options import OutputOption, Session, refuse_api_url, session_of
from tidegate_cli.structured import Output
from tidegate_cli.tables import Column, TextTable, print_table
from tidegate_cli.views import printable
from tidegate_devstack import LocalStackError, StackInfo, people

users = typer.Typer(no_args_is_help=True, help="Let people sign in at the local stack.")
_COLUMNS = (Column("name", fixed=True), Column("role", 100))
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")]


@users.command("add")
def add(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[Role, typer.Option("--role", help="The person's role.")] = Role.VIEWER,
    output: OutputOption = None,
) -> None:
    """Add a person, and print the password that is drawn for it.

    It is printed this once. A person who exists gets another one, and this role instead of its own. Sign in with
    `tidegate login`.

    Example: tidegate local users add ann --role operator
    """
    session = _session(context, output)
    password = people.add_person(_stack(), name, role)
    if session.is_structured:
        session.show({"name": name, "role": role, "password": password})
        return
    session.tell(f"{name} may sign in as {role} with this password, which is shown only now:")
    session.out.print(password, markup=False, highlight=False, soft_wrap=True)


@users.command("list")
def list_users(context: typer.Context, output: OutputOption = None) -> None:
    """List the people who may sign in.

    Example: tidegate local users list
    """
    session = _session(context, output)
    found = people.list_people(_stack())
    if session.is_structured:
        session.show({"users": [{"name": each.name, "roles": list(each.roles)} for each in found]})
        return
    rows = [[printable(each.name), ", ".join(each.roles) or "-"] for each in found]
    print_table(TextTable(_COLUMNS, rows), session.out)


@users.command("remove")
def remove(context: typer.Context, name: NameArgument, output: OutputOption = None) -> None:
    """Remove a person, who then can't sign in any more.

    Example: tidegate local users remove ann
    """
    session = _session(context, output)
    people.remove_person(_stack(), name)
    if session.is_structured:
        session.show({"name": name})
    else:
        session.out.print(printable(f"{name} is removed"), markup=False, highlight=False, soft_wrap=True)


def _stack() -> StackInfo:
    info = tidegate_devstack.status().info
    if info is None:
        raise LocalStackError("the local stack is not up: run `tidegate local up`")
    return info


def _session(context: typer.Context, output: Output | None) -> Session:
    session = session_of(context, output)
    refuse_api_url(session, f"local users {context.info_name}")
    return session
