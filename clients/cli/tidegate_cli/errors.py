"""The errors of the client's side. Each has one message that says how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from tidegate.domain.errors import TidegateError, Violation
from tidegate_cli.exit_codes import ExitCode
from tidegate_client import ApiError

_NO_SUCH_PATH = "Missing Authentication Token"  # API Gateway's message for a path that it does not know
# Its messages for credentials that have ended, and for a request without a token that the API takes.
_ENDED = "security token included in the request is expired"
_TAKES_TOKENS = (
    "this API takes bearer tokens: sign in with `tidegate login` and the same --api-url or --profile, or name the "
    "stack's output ApiUrl"
)
_SHOWN_VIOLATIONS = 10


class CliError(TidegateError):
    """An error that ends the command with its message and its `exit_code`.

    `violations` name the fields or options that are wrong. `code` is the error's code in JSON.
    """

    code = "error"
    exit_code = ExitCode.ERROR

    def __init__(self, message: str, *, violations: Sequence[Violation] = ()) -> None:
        self.violations = tuple(violations)
        super().__init__(message)


class UsageError(CliError):
    """An error in the command line, or in a file that it names."""

    code = "usage"
    exit_code = ExitCode.USAGE


class OptionError(UsageError):
    """An option that is wrong, or that has no meaning beside the others. `field` is its name, such as `--limit`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}", violations=[Violation(field, message)])


class MalformedFile(UsageError):
    """A file that can't be read, is neither JSON nor YAML, or holds something that can't be sent."""

    code = "malformed-file"


class ApiUnreachable(CliError):
    """The API did not answer within the bounded retries."""

    code = "unreachable"


class Interrupted(CliError):
    """Ctrl-C ended the command. Its jobs go on, except those of the demo, which cancels them."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED


class ApiProblem(CliError):
    """A refusal by the API: the problem details (RFC 9457) that its answer carried.

    `type` and `problem_code` come from the API. If API Gateway refused the request before it, they name the HTTP
    status instead.
    """

    code = "problem"

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        violations: Sequence[Violation] = (),
        *,
        type: str = "",  # noqa: A002 - the field's name in RFC 9457
    ) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.type = type or f"urn:tidegate:problem:http-{status}"
        self.problem_code = self.type.rpartition(":")[2]
        super().__init__(_rendered(status, title, detail, violations), violations=violations)


def problem_of_api(error: ApiError) -> ApiProblem:
    """Returns a refusal by the API in the words of the command line."""
    # API Gateway itself refuses some requests (no signature, no such path). Its answer is {"message": ...}.
    detail = error.detail
    by_the_gateway = bool(detail) and "detail" not in error.raw
    # API Gateway gives the same message for a missing signature. The CLI signs every request, so it is the path.
    if by_the_gateway and detail == _NO_SUCH_PATH:
        detail = f"{detail}: the API has no such path; is --api-url the stack's output ApiUrl?"
    if by_the_gateway and _ENDED in detail:
        detail = f"{detail}: log in to AWS again"
    if by_the_gateway and error.status == HTTPStatus.UNAUTHORIZED:
        detail = _TAKES_TOKENS
    if by_the_gateway and error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        detail = f"{detail}: the gateway takes about 5 MB; submit the work as several workflows"
    violations = [Violation(fault.field, fault.message) for fault in error.faults]
    return ApiProblem(error.status, error.title, detail, violations, type=str(error.raw.get("type") or ""))


def _rendered(status: int, title: str, detail: str, violations: Sequence[Violation]) -> str:
    lines = [f"{title} ({status})"]
    if violations:
        shown = violations[:_SHOWN_VIOLATIONS]
        lines += [f"  {each.field}: {each.message}" if each.field else f"  {each.message}" for each in shown]
        if len(violations) > len(shown):
            lines.append(f"  and {len(violations) - len(shown)} more")
    elif detail and detail != title:
        lines[0] += f": {detail}"
    return "\n".join(lines)
