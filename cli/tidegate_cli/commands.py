"""The command `tidegate`: its commands put together, and its errors made readable."""

from __future__ import annotations

import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated, Any

import httpx
import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperGroup

from tidegate.domain.errors import TidegateError
from tidegate_cli import (
    local_commands,
    recovery_commands,
    run_commands,
    type_check_command,
    worker_commands,
)
from tidegate_cli.errors import CliError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.local_stack.errors import LocalStackError
from tidegate_cli.options import ApiUrlOption, Output, OutputOption, Session
from tidegate_cli.views import printable_lines

_DEBUG_VARIABLE = "TIDEGATE_DEBUG"
_EXPECTED = (TidegateError, LocalStackError, BotoCoreError, ClientError, httpx.HTTPError, OSError)


class _OneLineErrors(TyperGroup):
    """Ends a command that failed with one readable message and the exit code that says why."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.stderr.write("tidegate: interrupted\n")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except BrokenPipeError:  # whoever read our output has gone; typer ends quietly
            raise
        except _EXPECTED as error:
            code = error.exit_code if isinstance(error, CliError) else ExitCode.ERROR
            sys.stderr.write(f"tidegate: {printable_lines(str(error))}\n")
            raise typer.Exit(code) from error
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as error:  # the outermost boundary: a user gets a message, never a traceback
            if os.environ.get(_DEBUG_VARIABLE):
                traceback.print_exc()
            said = f"{type(error).__name__}: {printable_lines(str(error))}"
            sys.stderr.write(f"tidegate: unexpected {said}; this is a bug, {_DEBUG_VARIABLE}=1 shows where\n")
            raise typer.Exit(ExitCode.ERROR) from error


app = typer.Typer(
    cls=_OneLineErrors,
    name="tidegate",
    help="A distributed job scheduler on AWS serverless parts.\n\n"
    "Exit codes: 0 success, 1 error, 2 usage, 3 a job failed, 4 wait timed out, 5 cancelled, 130 Ctrl-C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(local_commands.app, name="local")
app.add_typer(recovery_commands.jobs, name="jobs")
app.add_typer(recovery_commands.workflows, name="workflows")
app.add_typer(recovery_commands.pools, name="pools")
app.add_typer(type_check_command.types, name="types")
run_commands.register(app)
worker_commands.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidegate {version('tidegate')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    output: OutputOption = Output.TEXT,
    api_url: ApiUrlOption = None,
    profile: Annotated[str | None, typer.Option("--profile", help="AWS profile to sign with.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region of the API.")] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """A distributed job scheduler on AWS serverless parts."""
    context.obj = Session(output or Output.TEXT, api_url, profile, region)
