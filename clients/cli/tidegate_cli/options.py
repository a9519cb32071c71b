"""The options that commands share, and the session that a command gets from them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer
from rich.console import Console

from tidegate.domain import limits
from tidegate_cli.client import Client
from tidegate_cli.errors import OptionError
from tidegate_cli.following.follow import DEFAULT_TIMEOUT_SECONDS
from tidegate_cli.profiles import find_profile
from tidegate_cli.structured import Output, as_json, as_yaml
from tidegate_cli.tables import is_screen
from tidegate_cli.target import Target, find_target, refuse_aws_options
from tidegate_cli.tokens import read_tokens
from tidegate_cli.views import printable_lines

MAX_LOOK_SECONDS = limits.MAX_NOT_BEFORE_AHEAD_SECONDS  # a year, for waits and for logs
LOCAL_STACK_ONLY = "means nothing for a command of the local stack: leave it out"
_PIPE_WIDTH = 1_000_000  # lines in a pipe have no bound, even if COLUMNS is set


OutputOption = Annotated[
    Output | None, typer.Option("--output", "-o", help="Form of the results on standard output.")
]
ApiUrlOption = Annotated[
    str | None,
    typer.Option(
        "--api-url",
        metavar="URL",
        help="The stack's output ApiUrl. Default: TIDEGATE_API_URL, else the local stack.",
    ),
]
FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A job, a workflow or a WfFormat trace in JSON or YAML; - is standard input."
    ),
]
PoolOption = Annotated[
    str | None, typer.Option("--pool", help="Pool for the jobs that name none.", show_default=False)
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be.")]
PriorityOption = Annotated[
    int | None,
    typer.Option(
        "--priority",
        min=limits.MIN_PRIORITY,
        max=limits.MAX_PRIORITY,
        help="Priority for the jobs that name none; higher starts first.",
        show_default=False,
    ),
]
CriticalPathWeightOption = Annotated[
    float | None,
    typer.Option(
        "--critical-path-weight",
        min=0,
        max=limits.MAX_CRITICAL_PATH_WEIGHT,
        metavar="N",
        help="Workflows only: points that a job gains for each second of the path that begins with it, so that "
        "long chains start first; 0 is off. Default: the deployment's.",
        show_default=False,
    ),
]
IdempotencyKeyOption = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        help="A second call with the same key returns the same submission. Default: a new key.",
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout-seconds",
        min=0.1,
        max=MAX_LOOK_SECONDS,
        help="How long to wait for the end. After that the exit code is 4. Default: a day.",
        show_default=False,
    ),
]
SpeedOption = Annotated[
    float | None,
    typer.Option(
        "--speed",
        help="WfFormat only: replay so many times as fast as recorded. Default: 60.",
        show_default=False,
    ),
]
DEFAULT_WAIT_SECONDS = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class Session:
    """The values of the global options."""

    output: Output = Output.TEXT
    api_url: str | None = None
    profile: str | None = None
    aws_profile: str | None = None
    region: str | None = None

    @property
    def is_structured(self) -> bool:
        """True if standard output holds JSON or YAML alone."""
        return self.output is not Output.TEXT

    @property
    def out(self) -> Console:
        """Returns the console for results as text."""
        return _console(stderr=False)

    @property
    def err(self) -> Console:
        """Returns the console for everything that is no result, on standard error."""
        return _console(stderr=True)

    def show(self, value: Mapping[str, Any]) -> None:
        """Prints one document on standard output, as YAML if that was asked for, else as JSON."""
        sys.stdout.write(as_yaml(value) if self.output is Output.YAML else as_json(value))

    def target(self) -> Target:
        """Returns the API that the options choose. Its `tell` prints the deployment after the first change there.

        Raises UsageError if the options choose no API, or no credentials or region are found for it.
        """
        if self.profile is None:
            found = find_target(self.api_url, self.aws_profile, self.region)
            return replace(found, tell=self.tell)
        if self.api_url is not None:
            raise OptionError("--profile", "means nothing beside --api-url: leave one of them out")
        saved = find_profile(self.profile)
        if saved.oauth_api_url and self.aws_profile is None and read_tokens(saved.oauth_api_url):
            found = find_target(saved.oauth_api_url, None, None)
            return replace(found, name=saved.name, tell=self.tell)
        found = find_target(saved.api_url, self.aws_profile or saved.aws_profile, self.region or saved.region)
        return replace(found, name=saved.name, tell=self.tell)

    @contextmanager
    def client(self, target: Target | None = None) -> Iterator[Client]:
        """Yields a client of `target` (default: the API that the options choose), and closes it with the block.

        Raises UsageError as `target()` does.
        """
        with Client(target or self.target()) as client:
            client.on_repeat = lambda why: self.tell(f"no answer yet ({why}): asking again")
            yield client

    def refuse_target_options(self, message: str) -> None:
        """Raises OptionError with `message` if --profile, --aws-profile or --region was given."""
        if self.profile is not None:
            raise OptionError("--profile", message)
        refuse_aws_options(self.aws_profile, self.region, message)

    def tell_cut(self, what: str, shown: int, limit: int) -> None:
        """Tells the user that there may be more, if a list has as many entries (`shown`) as `limit` allows."""
        if shown >= limit:
            self.tell(f"{shown:,} {what} are listed, as many as --limit allows: there may be more")

    def tell(self, message: str) -> None:
        """Prints a message on standard error, with control characters escaped."""
        self.err.print(printable_lines(message), markup=False, highlight=False, soft_wrap=True)


def session_of(context: typer.Context, output: Output | None = None, api_url: str | None = None) -> Session:
    """Returns the global options. An option that was given to the command itself replaces the global one."""
    root = context.find_root().obj
    base = root if isinstance(root, Session) else Session()
    return replace(base, output=output or base.output, api_url=api_url or base.api_url)


def refuse_api_url(session: Session, command: str) -> None:
    """Raises OptionError if `--api-url` was given to a command that uses no API, or the local stack only."""
    if session.api_url is not None:
        raise OptionError("--api-url", f"means nothing for `tidegate {command}`: leave it out")


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    return console if is_screen(console) else Console(stderr=stderr, width=_PIPE_WIDTH)
