"""The commands of `tidegate profiles`, which save the addresses of deployments under names."""

from __future__ import annotations

from typing import Annotated

import typer

from tidegate_cli import profiles as saved
from tidegate_cli.errors import OptionError
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, refuse_api_url, session_of
from tidegate_cli.structured import Output
from tidegate_cli.tables import Column, TextTable, print_table
from tidegate_cli.views import printable

profiles = typer.Typer(no_args_is_help=True, help="Save the addresses of deployments under names.")
_COLUMNS = (
    Column("name", fixed=True),
    Column("api url", 100, folds=True),
    Column("region", 90),
    Column("aws profile", 80),
    Column("oauth api url", 70, folds=True),
)


def complete_name(beginning: str) -> list[str]:
    """Returns the names of saved profiles that begin so, for a shell that completes a line."""
    return [name for name in saved.read_profiles() if name.startswith(beginning)]


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The profile's name.", autocompletion=complete_name)
]


@profiles.command("list")
def list_profiles(context: typer.Context, output: OutputOption = None) -> None:
    """List the saved profiles.

    Example: tidegate profiles list
    """
    session = _session(context, output)
    found = saved.read_profiles()
    if session.is_structured:
        session.show(
            {
                "file": str(saved.profiles_file()),
                "profiles": [profile.as_json() for profile in found.values()],
            }
        )
        return
    rows = [[printable(value or "-") for value in profile.as_json().values()] for profile in found.values()]
    print_table(TextTable(_COLUMNS, rows), session.out)


@profiles.command("set")
def set_profile(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.")],
    region: Annotated[
        str | None,
        typer.Option(
            "--region", help="AWS region of the API. Default: that of an AWS URL.", show_default=False
        ),
    ] = None,
    aws_profile: Annotated[
        str | None,
        typer.Option(
            "--aws-profile", help="AWS profile to sign with. Default: the environment's.", show_default=False
        ),
    ] = None,
    oauth_api_url: Annotated[
        str | None,
        typer.Option(
            "--oauth-api-url",
            metavar="URL",
            help="The stack's output OAuthApiUrl, used while you are signed in there.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Save a deployment under a name, instead of one of the same name.

    It saves where the deployment is, and no secret. Use it with `tidegate --profile NAME`.

    Example: tidegate profiles set prod --api-url https://abc123.execute-api.eu-central-1.amazonaws.com/live
    """
    session = session_of(context, output, api_url)
    if session.profile is not None:
        raise OptionError("--profile", "means nothing for `tidegate profiles set`: leave it out")
    if session.api_url is None:
        raise OptionError("--api-url", "is needed: give the stack's output ApiUrl")
    profile = saved.Profile(
        name,
        session.api_url.rstrip("/").removesuffix("/v1"),
        region or session.region,
        aws_profile or session.aws_profile,
        oauth_api_url and oauth_api_url.rstrip("/").removesuffix("/v1"),
    )
    saved.save_profile(profile)
    _say(session, profile, f"{name} is saved in {saved.profiles_file()}")


@profiles.command("remove")
def remove_profile(context: typer.Context, name: NameArgument, output: OutputOption = None) -> None:
    """Remove a saved profile. The deployment stays as it is.

    Example: tidegate profiles remove prod
    """
    session = _session(context, output)
    _say(session, saved.remove_profile(name), f"{name} is removed from {saved.profiles_file()}")


def _session(context: typer.Context, output: Output | None) -> Session:
    """Returns the global options of a command that has no use for those that choose a deployment."""
    session = session_of(context, output)
    command = f"profiles {context.info_name}"
    refuse_api_url(session, command)
    session.refuse_target_options(f"means nothing for `tidegate {command}`: leave it out")
    return session


def _say(session: Session, profile: saved.Profile, line: str) -> None:
    if session.is_structured:
        session.show(profile.as_json())
    else:
        session.out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
