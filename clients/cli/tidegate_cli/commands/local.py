"""The commands of `tidegate local`, for the stack on this machine."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

import tidegate_devstack
from tidegate_cli.commands.choices import not_one_of
from tidegate_cli.commands.local_users import users
from tidegate_cli.errors import OptionError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.interrupts import ends_like_ctrl_c
from tidegate_cli.options import (
    LOCAL_STACK_ONLY,
    MAX_LOOK_SECONDS,
    OutputOption,
    Session,
    refuse_api_url,
    session_of,
)
from tidegate_cli.structured import Output
from tidegate_cli.target import API_URL_VARIABLE
from tidegate_cli.views import format_time, printable_lines
from tidegate_devstack import FUNCTIONS, LocalStackError, LocalState, StackInfo
from tidegate_devstack.emulator import DEFAULT_EXECUTIONS, LEAST_EXECUTIONS, MOST_EXECUTIONS

app = typer.Typer(no_args_is_help=True)
app.add_typer(users, name="users")


@app.callback(help="Start, stop and show the local stack on an AWS emulator.")
def local(context: typer.Context) -> None:
    """Refuses --profile, --aws-profile and --region, which have no meaning for the local stack."""
    session_of(context).refuse_target_options(LOCAL_STACK_ONLY)


@app.command()
def up(
    context: typer.Context,
    executions: Annotated[
        int | None,
        typer.Option(
            "--executions",
            min=LEAST_EXECUTIONS,
            max=MOST_EXECUTIONS,
            metavar="N",
            help="The most functions that run at once; one function may use half of them. "
            f"Default: the number of the last start, {DEFAULT_EXECUTIONS} at the first.",
            show_default=False,
        ),
    ] = None,
    salvage: Annotated[
        bool,
        typer.Option(
            "--salvage",
            help="If the saved state is broken, start with the part that can be read. Broken files are kept.",
        ),
    ] = False,
    output: OutputOption = None,
) -> None:
    """Start the local stack, and deploy what changed.

    The stack starts with the data that it saved. The console is built meanwhile, if it changed.

    Example: tidegate local up
    """
    session = _session(context, output)
    with ends_like_ctrl_c():
        info = tidegate_devstack.up_with_console(session.tell, executions=executions, salvage=salvage)
    if session.is_structured:
        session.show(_info_json(info))


@app.command()
def down(
    context: typer.Context,
    wipe: Annotated[bool, typer.Option("--wipe", help="Also remove the stack's data.")] = False,
    output: OutputOption = None,
) -> None:
    """Stop the local stack. Its data is kept for the next `up`.

    Example: tidegate local down
    """
    session = _session(context, output)
    was_up = tidegate_devstack.down(session.tell, wipe=wipe)
    if session.is_structured:
        session.show({"was_up": was_up})


@app.command()
def status(context: typer.Context, output: OutputOption = None) -> None:
    """Show the state of the local stack. The exit code is 1 if it does not run.

    Example: tidegate local status --output json
    """
    session = _session(context, output)
    found = tidegate_devstack.status()
    if session.is_structured:
        details = _info_json(found.info) if found.info is not None else {}
        session.show(
            {"state": found.state, "stack_status": found.stack_status, "home": str(found.home), **details}
        )
    else:
        session.out.print(f"state  {found.state}", highlight=False)
        session.out.print(f"home   {found.home}", highlight=False, soft_wrap=True)
        if found.info is not None:
            session.out.print(f"api    {found.info.api_url}", highlight=False, soft_wrap=True)
            if found.info.oauth_api_url is not None:
                console = f"{found.info.oauth_api_url}/console/"
                session.out.print(
                    f"web    {console}, for people who sign in", highlight=False, soft_wrap=True
                )
            session.out.print(f"pid    {found.info.pid}, port {found.info.port}", highlight=False)
    if found.state is not LocalState.RUNNING:
        raise typer.Exit(ExitCode.ERROR)


@app.command()
def env(context: typer.Context, output: OutputOption = None) -> None:
    """Print the URL and the settings of the local stack as shell commands.

    With these settings other programs can use the stack. Apply them in a shell with: eval "$(tidegate local env)".
    They contain the secret of the stack's root key.

    Example: tidegate local env --output json
    """
    session = _session(context, output)
    info = tidegate_devstack.status().info
    if info is None:
        raise LocalStackError("the local stack is not up: run `tidegate local up`")
    settings = {API_URL_VARIABLE: info.api_url, **info.aws_environment()}
    if session.is_structured:
        session.show({"environment": settings})
        return
    # The user's own profile would take precedence over these keys. The user's session token would be sent with them.
    lines = ["unset AWS_PROFILE AWS_SESSION_TOKEN"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    session.out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


@app.command()
def logs(
    context: typer.Context,
    function: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join(FUNCTIONS)}. Default: all.", show_default=False),
    ] = None,
    since_seconds: Annotated[
        float, typer.Option("--since-seconds", min=1, max=MAX_LOOK_SECONDS, help="How far back to look.")
    ] = 600,
    output: OutputOption = None,
) -> None:
    """Print the log lines of the functions, oldest first.

    Example: tidegate local logs dispatcher --since-seconds 60
    """
    session = _session(context, output)
    if function is not None and function not in FUNCTIONS:
        raise OptionError("FUNCTION", not_one_of(function, FUNCTIONS))
    names = FUNCTIONS if function is None else (function,)
    events = [(event, name) for name in names for event in tidegate_devstack.logs(name, since_seconds)]
    events.sort(key=lambda pair: pair[0].time_ms)
    if session.is_structured:
        lines = [
            {"at": format_time(event.time_ms), "function": name, "message": event.message}
            for event, name in events
        ]
        session.show({"events": lines})
        return
    for event, name in events:
        line = f"{format_time(event.time_ms)} {name:<10} {printable_lines(event.message)}"
        session.out.print(line, markup=False, highlight=False, soft_wrap=True)


def _session(context: typer.Context, output: Output | None) -> Session:
    session = session_of(context, output)
    refuse_api_url(session, f"local {context.info_name}")
    return session


def _info_json(info: StackInfo) -> dict[str, Any]:
    return {
        "api_url": info.api_url,
        "endpoint_url": info.endpoint_url,
        "region": info.region,
        "port": info.port,
        "pid": info.pid,
        "outputs": dict(info.outputs),
    }
