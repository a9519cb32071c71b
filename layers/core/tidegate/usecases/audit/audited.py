"""Records an act before and after it is carried out.

The first record is written before the act, so no act is carried out without one, even if the function dies in between.
Where it can't be written, the act is refused. The second record says what became of the act.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tidegate.domain.audit import Act, Details, Outcome
from tidegate.domain.callers import Caller
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable, TidegateError
from tidegate.usecases.services import Services

_LOGGER = logging.getLogger(__name__)
_INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Asked:
    """The act that a request asks for: the word for it, its subject, the caller, and the request's route."""

    act: str
    subject: str
    caller: Caller
    route: str


@dataclass(slots=True)
class Record:
    """What an act changed, filled in while it is carried out."""

    before: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    after: dict[str, str | int | float | bool | None] = field(default_factory=dict)

    def change(self, *, before: Details | None = None, after: Details | None = None) -> None:
        """Adds fields as they were before the act and as they are after it. Never parameters, results or texts."""
        self.before.update(before or {})
        self.after.update(after or {})


@contextmanager
def audited(services: Services, asked: Asked, now_ms: Callable[[], int]) -> Iterator[Record]:
    """Records the act that the block carries out; the block fills in what it changed.

    Raises ServiceUnavailable if the act can't be recorded beforehand; the block then does not run. Errors of the block
    pass on. A failure to record the outcome is logged only, because the act has happened and its request is recorded.
    """
    at_ms = now_ms()
    act = Act(
        act_id=services.entropy.new_ulid(at_ms),
        at_ms=at_ms,
        subject=asked.subject,
        act=asked.act,
        route=asked.route,
        caller=asked.caller,
    )
    try:
        services.audit.ask(act)
    except ServiceRefused as error:
        raise ServiceUnavailable(
            "the request could not be recorded in the audit trail, so nothing was done; send it again"
        ) from error
    record = Record()
    try:
        yield record
    except Exception as error:
        outcome, code = _outcome_of(error)
        _conclude(services, replace(act, outcome=outcome, ended_at_ms=now_ms(), code=code))
        raise
    _conclude(
        services,
        replace(act, outcome=Outcome.DONE, ended_at_ms=now_ms(), before=record.before, after=record.after),
    )


def _outcome_of(error: Exception) -> tuple[Outcome, str]:
    if isinstance(error, ServiceUnavailable | ServiceRefused):
        return Outcome.FAILED, error.code
    if isinstance(error, TidegateError):
        return Outcome.REFUSED, error.code
    return Outcome.FAILED, _INTERNAL


def _conclude(services: Services, act: Act) -> None:
    try:
        services.audit.conclude(act)
    except (ServiceRefused, ServiceUnavailable) as error:
        context: Mapping[str, str] = {"act_id": act.act_id, "act": act.act, "subject": act.subject}
        _LOGGER.error("the outcome of an act was not recorded: %s", error, extra={"audit": context})
