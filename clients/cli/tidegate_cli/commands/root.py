"""The command `tidegate`: puts its subcommands together, and turns errors into readable messages."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tidegate_cli.commands import (
    access,
    approvals,
    callers,
    console,
    cost,
    doctor,
    failures,
    forecast,
    hold,
    import_file,
    local,
    login,
    mark,
    outside,
    profiles,
    recovery,
    shares,
    statistics,
    status,
    submit,
    timetable_runs,
    top,
    types_register,
    watch,
    webhooks,
    what_if,
    why,
    workers,
)
from tidegate_cli.commands.given_once import refuse_twice, take_options_once
from tidegate_cli.errors import Interrupted, UsageError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.options import ApiUrlOption, OutputOption, Session
from tidegate_cli.problems import output_of, problem_of
from tidegate_cli.structured import Output
from tidegate_cli.views import printable, printable_lines

_DEBUG_VARIABLE = "TIDEGATE_DEBUG"


class _ReadableErrors(TyperGroup):
    """The root of the command line. A failed command ends with one message, in the form of the output, and a code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        try:
            _refuse_no_text(given)
            code = super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            code = ExitCode.ERROR
        except Exception as error:  # the outermost boundary: users get a message, no traceback
            raise SystemExit(_tell(error, output_of(given))) from error
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else ExitCode.SUCCESS)
        return code

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        refuse_twice(self, ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # typer would end without a message
            raise Interrupted("interrupted") from error


def _refuse_no_text(arguments: Sequence[str]) -> None:
    for number, argument in enumerate(arguments, start=1):
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"argument {number} ({printable(argument)[:64]}) is not UTF-8 text; send a file with such a "
                "name on standard input, as -"
            ) from error


def _tell(error: Exception, output: Output) -> ExitCode:
    problem = problem_of(error)
    if problem.code == "internal" and os.environ.get(_DEBUG_VARIABLE):
        traceback.print_exception(error)
    if output is not Output.TEXT:
        sys.stderr.write(problem.to_yaml() if output is Output.YAML else problem.to_json() + "\n")
    elif isinstance(error, typer.TyperException) and hasattr(error, "show"):
        error.show(sys.stderr)  # with the usage line
    else:
        sys.stderr.write(
            f"tidegate: {printable_lines(str(error) if problem.code != 'internal' else problem.detail)}\n"
        )
    return problem.exit_code


app = typer.Typer(
    cls=_ReadableErrors,
    name="tidegate",
    help="A distributed job scheduler on AWS serverless parts.\n\n"
    "Exit codes: 0 success, 1 error, 2 usage, 3 a job failed, 4 wait timed out, 5 cancelled, "
    "6 a worker that can't run its jobs, 7 an unhealthy deployment, 130 Ctrl-C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(local.app, name="local")
app.add_typer(mark.jobs, name="jobs")
app.add_typer(hold.workflows, name="workflows")
app.add_typer(recovery.pools, name="pools")
app.add_typer(types_register.types, name="types")
app.add_typer(failures.failures, name="failures")
app.add_typer(access.grants, name="grants")
app.add_typer(shares.shares, name="shares")
app.add_typer(webhooks.webhooks, name="webhooks")
app.add_typer(timetable_runs.timetables, name="timetables")
app.add_typer(profiles.profiles, name="profiles")
status.register(app)
statistics.register(app)
top.register(app)
doctor.register(app)
submit.register(app)
import_file.register(app)
watch.register(app)
why.register(app)
forecast.register(app)
cost.register(app)
what_if.register(app)
workers.register(app)
outside.register(app)
approvals.register(app)
callers.register(app)
console.register(app)
login.register(app)
take_options_once(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidegate {version('tidegate')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    output: OutputOption = Output.TEXT,
    api_url: ApiUrlOption = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="Saved deployment to talk to; `tidegate profiles` saves them.",
            autocompletion=profiles.complete_name,
        ),
    ] = None,
    aws_profile: Annotated[
        str | None, typer.Option("--aws-profile", metavar="NAME", help="AWS profile to sign with.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region of the API.")] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """A distributed job scheduler on AWS serverless parts."""
    context.obj = Session(output or Output.TEXT, api_url, profile, aws_profile, region)
