"""What goes wrong on the client's side, each as one message that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.errors import TidegateError, Violation
from tidegate_cli.exit_codes import ExitCode

_SHOWN_VIOLATIONS = 10


class CliError(TidegateError):
    """Ends the command with its message and `exit_code`. `violations` name the fields or options at fault."""

    code = "error"
    exit_code = ExitCode.ERROR

    def __init__(self, message: str, *, violations: Sequence[Violation] = ()) -> None:
        self.violations = tuple(violations)
        super().__init__(message)


class UsageError(CliError):
    """The command line, or a file named on it, is not right."""

    code = "usage"
    exit_code = ExitCode.USAGE


class OptionError(UsageError):
    """An option that is wrong, or that means nothing beside the others. `field` is the option as it is written."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}", violations=[Violation(field, message)])


class MalformedFile(UsageError):
    """A file is neither JSON nor YAML, or says something that can't be sent."""

    code = "malformed-file"


class ApiUnreachable(CliError):
    """The API did not answer within the bounded retries."""

    code = "unreachable"


class Interrupted(CliError):
    """Ctrl-C ended the watching of something that goes on."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED


class ApiProblem(CliError):
    """The API refused: RFC 9457 problem details, as far as the answer carried them.

    `type` and `problem_code` are the API's own; where the platform before it refused, they name the HTTP status.
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


def _rendered(status: int, title: str, detail: str, violations: Sequence[Violation]) -> str:
    lines = [f"{title} ({status})"]
    if violations:
        shown = violations[:_SHOWN_VIOLATIONS]
        lines += [f"  {violation.field}: {violation.message}" for violation in shown]
        if len(violations) > len(shown):
            lines.append(f"  and {len(violations) - len(shown)} more")
    elif detail and detail != title:
        lines[0] += f": {detail}"
    return "\n".join(lines)
