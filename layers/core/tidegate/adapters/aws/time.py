"""The time as AWS says it: every answer has a Date, which shows whether this machine's clock is right."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import botocore.auth

from tidegate.adapters.system import steady_ms

_SENT_AT = "tidegate_sent_at_ms"
_REPEATED = "tidegate_repeated_for_its_time"
# AWS's codes for a request that was signed at a wrong time; the first is also that of any other bad signature.
_SKEW_CODES = frozenset({"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"})
_SKEW_MS = 60_000  # far below the five minutes that AWS allows


class LearningClock(Protocol):
    """A clock that can be put right."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""

    def learn(self, said_ms: int, took_ms: int) -> None:
        """Compares with what an answer said that came `took_ms` after its request."""


def sign_by(clock: LearningClock) -> None:
    """Has this process sign its requests with `clock`'s time, not the machine's.

    AWS refuses a request that was signed more than five minutes off. botocore has no other place for this: it asks
    the function that is replaced here, and retries with the same wrong time.
    """

    def now(remove_tzinfo: bool = True) -> datetime:
        at = datetime.fromtimestamp(clock.now_ms() / 1_000, UTC)
        return at.replace(tzinfo=None) if remove_tzinfo else at

    # The second is there where the optional package awscrt is installed, and signs in the first one's place then.
    for signing in (botocore.auth, sys.modules.get("botocore.crt.auth")):
        if signing is not None:
            vars(signing)["get_current_datetime"] = now


class AwsTime:
    """Tells a clock of the Date of every answer that clients get."""

    def __init__(self, clock: LearningClock) -> None:
        self._clock = clock
        self._last = ("", 0)  # answers of one second say the same: no need to read it again

    def attach(self, client: Any) -> None:
        """Listens to a boto3 client from now on."""
        service = client.meta.service_model.service_name
        client.meta.events.register(f"before-call.{service}", self._sent)
        client.meta.events.register(f"after-call.{service}", self._answered)
        client.meta.events.register_first(f"needs-retry.{service}", self._was_skewed)

    def _sent(self, context: dict[str, Any], **_: Any) -> None:
        context[_SENT_AT] = steady_ms()

    def _was_skewed(
        self, response: tuple[Any, dict[str, Any]] | None, request_dict: dict[str, Any], **_: Any
    ) -> int | None:
        """Has a request repeated once, at once, that AWS refused because this clock was wrong. It did nothing."""
        context = request_dict.get("context", {})
        if response is None or response[1].get("Error", {}).get("Code") not in _SKEW_CODES:
            return None
        signed_ms = self._clock.now_ms()
        # Twice: that AWS refused the time is a second witness beside the Date.
        for _witness in range(2):
            self._answered(response[1], context)
        was_wrong = abs(self._clock.now_ms() - signed_ms) > _SKEW_MS
        if not was_wrong or context.get(_REPEATED):
            return None
        context[_REPEATED] = True
        return 0  # seconds to wait; None leaves it to the client

    def _answered(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        said_ms = self._read(date) if date else None
        if said_ms is not None and _SENT_AT in context:
            self._clock.learn(said_ms, steady_ms() - context[_SENT_AT])

    def _read(self, date: str) -> int | None:
        last_date, last_ms = self._last
        if date == last_date:
            return last_ms
        try:
            said = parsedate_to_datetime(date)
        except (ValueError, OverflowError):
            return None
        # By RFC 9110 a Date is in GMT, also where it does not say so.
        said_ms = int((said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()) * 1_000
        self._last = (date, said_ms)
        return said_ms
