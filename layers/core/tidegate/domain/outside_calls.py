"""The outcome of a call that leaves the stack: an answer, or the fault that kept one from coming."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.errors import TidegateError


class Fault(StrEnum):
    """Why a call got no answer."""

    BAD_URL = "bad-url"
    UNKNOWN_HOST = "unknown-host"
    REFUSED_ADDRESS = "refused-address"
    NO_CONNECTION = "no-connection"
    NO_TRUST = "no-trust"
    TIMED_OUT = "timed-out"
    BAD_ANSWER = "bad-answer"


class CallFailed(TidegateError):
    """The error for a call that got no answer. `fault` is the reason in one stable word."""

    code = "call-failed"

    def __init__(self, fault: Fault, message: str) -> None:
        self.fault = fault
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: the status, and the first bytes of the body. `cut` is True if it had more."""

    status: int
    body: bytes = b""
    cut: bool = False

    @property
    def is_success(self) -> bool:
        """Tells whether the status says that the call was accepted. A redirect is no success; none is followed."""
        return 200 <= self.status < 300
