"""What goes wrong on the client's side, each as one message that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.errors import TidegateError, Violation
from tidegate_cli.exit_codes import ExitCode

_SHOWN_VIOLATIONS = 10


class CliError(TidegateError):
    """Ends the command with its message and `exit_code`."""

    code = "cli"
    exit_code = ExitCode.ERROR


class UsageError(CliError):
    """The command line, or a file named on it, is not right."""

    code = "usage"
    exit_code = ExitCode.USAGE


class ApiUnreachable(CliError):
    """The API did not answer within the bounded retries."""

    code = "unreachable"


class ApiProblem(CliError):
    """The API refused: RFC 9457 problem details, as far as the answer carried them."""

    code = "problem"

    def __init__(
        self, status: int, title: str, detail: str = "", violations: Sequence[Violation] = ()
    ) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.violations = tuple(violations)
        super().__init__(self._render())

    def _render(self) -> str:
        lines = [f"{self.title} ({self.status})"]
        if self.violations:
            shown = self.violations[:_SHOWN_VIOLATIONS]
            lines += [f"  {violation.field}: {violation.message}" for violation in shown]
            if len(self.violations) > len(shown):
                lines.append(f"  and {len(self.violations) - len(shown)} more")
        elif self.detail and self.detail != self.title:
            lines[0] += f": {self.detail}"
        return "\n".join(lines)
