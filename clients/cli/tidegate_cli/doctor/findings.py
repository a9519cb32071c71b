"""The words of the doctor: findings, each with the way to mend it, and the result of each check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
RUNBOOK = "docs/guides/runbook.md"
GUIDE = "docs/guides/doctor.md"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"  # something does not work
    WARNING = "warning"  # it works, but not as it was deployed, or not for long
    HINT = "hint"  # nothing is wrong; somebody decided it and may have forgotten it


class Outcome(StrEnum):
    """How a check ended."""

    HEALTHY = "healthy"
    FINDINGS = "findings"
    NOT_MADE = "not made"  # a call was denied, or got no answer
    NOT_MEASURED = "not measured"  # this deployment has nothing to measure it by


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or a hint. `what` says it, `do` says what to do.

    `see` is the page with the entry about it.
    """

    severity: Severity
    what: str
    do: str
    see: str

    def as_json(self) -> dict[str, str]:
        """Returns the finding as the command shows it."""
        return {"severity": str(self.severity), "what": self.what, "do": self.do, "see": self.see}


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check. `why` says why it was not made or not measured, and is empty otherwise.

    A healthy check may have hints among its findings, and nothing else.
    """

    check: str
    about: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Returns the result as the command shows it."""
        return {
            "check": self.check,
            "about": self.about,
            "outcome": str(self.outcome),
            "why": self.why or None,
            "findings": [finding.as_json() for finding in self.findings],
        }


class NotMade(Exception):
    """A fact could not be read, so the check that needs it is not made. Its text says why."""


class Denied(NotMade):
    """AWS denied a call. `action` is the IAM action that the doctor needs for it."""

    def __init__(self, action: str) -> None:
        self.action = action
        super().__init__(f"{action} was denied")


class NotMeasured(Exception):
    """This deployment has nothing to measure the fact by. Its text says why."""


class Once(Generic[T]):
    """A fact that several checks need and that is read once, also where it could not be read."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._found: list[T | NotMade] = []

    def get(self) -> T:
        """Returns the fact. Raises the NotMade with which the read ended."""
        if not self._found:
            try:
                self._found.append(self._read())
            except NotMade as error:
                self._found.append(error)
        (found,) = self._found
        if isinstance(found, NotMade):
            raise found
        return found


def error(what: str, do: str, see: str) -> Finding:
    """Returns a finding of something that does not work."""
    return Finding(Severity.ERROR, what, do, see)


def warning(what: str, do: str, see: str) -> Finding:
    """Returns a finding of something that works, but not as it was deployed, or not for long."""
    return Finding(Severity.WARNING, what, do, see)


def hint(what: str, do: str, see: str) -> Finding:
    """Returns a finding of something that somebody decided. It makes no deployment unhealthy."""
    return Finding(Severity.HINT, what, do, see)


def named(names: Sequence[str], *, at_most: int = 5) -> str:
    """Returns names with commas between them, at most `at_most` and how many more there are."""
    shown = ", ".join(names[:at_most])
    return f"{shown} and {len(names) - at_most} more" if len(names) > at_most else shown
