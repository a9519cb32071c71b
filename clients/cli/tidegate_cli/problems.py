"""Turns any error into a problem: text for people, or one line of JSON, or YAML, for programs.

JSON and YAML have the shape of the API's own problems (RFC 9457), with two more fields: `code` and `exit_code`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from tidegate.domain.errors import TidegateError, Violation
from tidegate_cli.errors import ApiProblem, CliError, UsageError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.structured import Output, as_yaml
from tidegate_devstack.errors import LocalStackError, NoSuchFolder

_URN = "urn:tidegate:problem:"
_TITLES = {
    "usage": "The command is not valid",
    "malformed-id": "The id is malformed",
    "malformed-file": "The file can't be read",
    "wfformat": "The trace is not valid",
    "import-refused": "The file can't be imported",
    "broken-job-code": "Job code can't be loaded",
    "unreachable": "The API does not answer",
    "wait-timed-out": "The wait is over",
    "interrupted": "Interrupted",
    "local-stack": "The local stack",
    "aws": "AWS refused",
    "system": "The system refused",
    "internal": "A bug in tidegate",
    "error": "An error",
}
CODES = frozenset(_TITLES)
"""The codes of problems that arise on the client's side. Those of the API are in docs/reference/api.md."""


@dataclass(frozen=True, slots=True)
class CliProblem:
    """The error that ends a command.

    `status` is the HTTP status if the API refused. `errors` name fields or options.
    """

    code: str
    title: str
    detail: str
    exit_code: ExitCode
    errors: tuple[Violation, ...] = ()
    type: str = ""
    status: int | None = None

    def to_json(self) -> str:
        """Returns the problem as one line of JSON in ASCII, so that it holds no characters that control a terminal."""
        return json.dumps(self._as_object(), ensure_ascii=True)

    def to_yaml(self) -> str:
        """Returns the problem as a YAML document. It begins with `---`, because other messages may stand before it."""
        return f"---\n{as_yaml(self._as_object())}"

    def _as_object(self) -> dict[str, Any]:
        return {
            "type": self.type or f"{_URN}{self.code}",
            "code": self.code,
            "title": self.title,
            **({} if self.status is None else {"status": self.status}),
            "detail": self.detail,
            "errors": [{"field": error.field, "message": error.message} for error in self.errors],
            "exit_code": int(self.exit_code),
        }


def problem_of(error: Exception) -> CliProblem:
    """Returns the problem for an error of any class. An unforeseen error gets the code "internal"."""
    if isinstance(error, ApiProblem):
        detail = error.detail or error.title
        return CliProblem(
            error.problem_code,
            error.title,
            detail,
            error.exit_code,
            error.violations,
            error.type,
            error.status,
        )
    if isinstance(error, CliError):
        return _own(error.code, str(error), error.exit_code, error.violations)
    if isinstance(error, typer.TyperException):
        return _of_the_parser(error)
    if isinstance(error, NoSuchFolder):
        return _own(UsageError.code, str(error), UsageError.exit_code)
    if isinstance(error, LocalStackError):
        return _own("local-stack", str(error), ExitCode.ERROR)
    if isinstance(error, TidegateError):
        return _own("error", str(error), ExitCode.ERROR)
    if isinstance(error, OSError):
        return _own("system", str(error), ExitCode.ERROR)
    if type(error).__module__.partition(".")[0] in ("botocore", "boto3"):
        return _own("aws", str(error), ExitCode.ERROR)
    if type(error).__module__.partition(".")[0] == "httpx":
        return _own("unreachable", str(error) or type(error).__name__, ExitCode.ERROR)
    said = f"unexpected {type(error).__name__}: {error}; this is a bug, TIDEGATE_DEBUG=1 shows where"
    return _own("internal", said, ExitCode.ERROR)


def output_of(arguments: Sequence[str]) -> Output:
    """Returns the form of output that a command line asks for. The last such option counts.

    It looks at the unparsed arguments, because the parser itself may be the one to fail.
    """
    wanted = ""
    for at, argument in enumerate(arguments):
        if argument in ("--output", "-o"):
            wanted = arguments[at + 1] if at + 1 < len(arguments) else wanted
        elif argument.startswith("--output="):
            wanted = argument.removeprefix("--output=")
        elif argument.startswith("-o") and len(argument) > 2:
            wanted = argument.removeprefix("-o")
    return Output(wanted) if wanted in list(Output) else Output.TEXT


def _own(code: str, detail: str, exit_code: ExitCode, errors: Sequence[Violation] = ()) -> CliProblem:
    return CliProblem(code, _TITLES.get(code, _TITLES["error"]), detail, exit_code, tuple(errors))


def _of_the_parser(error: typer.TyperException) -> CliProblem:
    message = error.format_message()
    parameter = getattr(error, "param", None)
    field = getattr(error, "option_name", None) or _name_of(parameter)
    errors = (Violation(str(field), getattr(error, "message", None) or message),) if field else ()
    return _own("usage", message, ExitCode.USAGE, errors)


def _name_of(parameter: Any) -> str | None:
    """Returns the option's long name (`--limit`) or the argument's name; None if the error is about no parameter."""
    if parameter is None:
        return None
    written = [name for name in parameter.opts if name.startswith("--")]
    return written[0] if written else str(parameter.metavar or parameter.name)
