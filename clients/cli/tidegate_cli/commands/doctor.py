"""The command that looks at every part of a deployment, and says what to do about what is wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.text import Text

from tidegate.usecases.services import Services
from tidegate_cli.doctor.clock import clock_ahead_seconds
from tidegate_cli.doctor.examine import Sight, examine, is_healthy
from tidegate_cli.doctor.findings import NotMade, Outcome, Result, Severity
from tidegate_cli.doctor.reads import Deployment, MakeClient
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.target import Target
from tidegate_cli.views import printable
from tidegate_devstack.model import CLIENT_CONFIG, STACK_NAME

_REGION = re.compile(r"^https://[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.")
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"})
_STYLES = {
    Outcome.HEALTHY: "green",
    Outcome.FINDINGS: "red",
    Outcome.NOT_MADE: "yellow",
    Outcome.NOT_MEASURED: "dim",
}
_SEVERITY_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.HINT: "cyan"}
_NAME_WIDTH = 14
StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        help="Name of the stack. Default: the one that has the API.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command to the root."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    stack: StackOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Check the whole deployment, and say what to do.

    It changes nothing. Besides the API it asks AWS itself, with your AWS credentials. Exits with 7 if something is
    wrong or a check could not be made.

    Example: tidegate doctor
    """
    session = session_of(context, output, api_url)
    target = session.target()
    aws, no_aws = _aws_session(session, target)
    deployment = Deployment(
        None if aws is None else _clients(aws, target),
        target.api_url,
        stack=stack or (STACK_NAME if target.local else None),
        is_local=target.local is not None,
        no_client=no_aws,
    )
    with session.client(target) as client:
        sight = Sight(
            deployment,
            client.get_status,
            client.list_pools,
            lambda: clock_ahead_seconds(target.api_url, time.time, trust_env=target.local is None),
            lambda environment: connect_stores(environment, aws, target),
            now_ms=int(time.time() * 1_000),
            own_version=version("tidegate"),
        )
        results = examine(sight, session.tell)
    healthy = is_healthy(results)
    if session.is_structured:
        session.show(
            {
                "healthy": healthy,
                "api_url": target.api_url,
                "checks": [result.as_json() for result in results],
            }
        )
    else:
        _print(results, session.out)
    if not healthy:
        raise typer.Exit(ExitCode.UNHEALTHY)


def connect_stores(environment: Mapping[str, str], aws: boto3.Session | None, target: Target) -> Services:
    """Connects to the stores that a function's environment names. Raises KeyError, ValueError, NotMade."""
    # Imported here, because it takes a quarter of a second that no other command needs.
    from tidegate.bootstrap import aws_services, connect_system
    from tidegate.settings import read_settings, read_tables

    if aws is None:
        raise NotMade("it needs AWS credentials")
    clients = connect_system(
        session=aws, endpoint_url=target.local.endpoint_url if target.local else None, threads=4
    )
    return aws_services(read_settings(environment), read_tables(environment), clients)


def _aws_session(session: Session, target: Target) -> tuple[boto3.Session | None, str]:
    """Returns a session with the user's own credentials in the API's region; without them None, and why if it is known.

    A profile that can't be used is no fault of the checks that ask the API alone.
    """
    if target.local is not None:
        return target.local.session(), ""
    in_host = _REGION.match(target.api_url)
    region = target.region or session.region or (in_host[1] if in_host else None)
    try:
        found = boto3.Session(profile_name=target.aws_profile or session.aws_profile, region_name=region)
        credentials = found.get_credentials()
    except BotoCoreError as error:
        return None, str(error).rstrip(".")
    if credentials is None:
        return None, ""
    return (found, "") if found.region_name else (None, "no AWS region is known; pass --region")


def _clients(aws: boto3.Session, target: Target) -> MakeClient:
    def make(service: str) -> Any:
        if target.local is not None:
            endpoint_url = target.local.endpoint_url
            return aws.client(service, endpoint_url=endpoint_url, config=CLIENT_CONFIG)  # type: ignore[call-overload]  # any service
        return aws.client(service, config=_CONFIG)  # type: ignore[call-overload]  # any service

    return make


def _print(results: Sequence[Result], console: Console) -> None:
    for result in results:
        why = f": {result.why}" if result.why else ""
        line = Text(f"{result.check:<{_NAME_WIDTH}}")
        line.append(str(result.outcome), _STYLES[result.outcome])
        line.append(printable(why))
        console.print(line, soft_wrap=True)
        for finding in result.findings:
            style = _SEVERITY_STYLES[finding.severity]
            console.print(Text(f"  {finding.severity}: {printable(finding.what)}", style), soft_wrap=True)
            console.print(Text(f"    do: {printable(finding.do)}"), soft_wrap=True)
            console.print(Text(f"    see: {finding.see}"), soft_wrap=True)
    console.print(_verdict(results), markup=False, highlight=False, soft_wrap=True)


def _verdict(results: Sequence[Result]) -> str:
    if is_healthy(results):
        return f"healthy: {len(results)} checks"
    findings = sum(finding.severity is not Severity.HINT for result in results for finding in result.findings)
    unmade = sum(result.outcome is Outcome.NOT_MADE for result in results)
    return f"not healthy: {findings} findings, {unmade} checks not made"
