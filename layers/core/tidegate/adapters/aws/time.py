"""Corrects this machine's clock by the Date header of AWS's answers."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import botocore.auth

from tidegate.adapters.system import steady_ms

_SENT_AT = "tidegate_sent_at_ms"
_REPEATED = "tidegate_repeated_for_its_time"
# AWS's codes for a request signed with a wrong time; the first one also stands for any other bad signature.
_SKEW_CODES = frozenset({"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"})
_SKEW_MS = 60_000  # far below the five minutes that AWS allows


class LearningClock(Protocol):
    """A clock that can be corrected."""

    def now_ms(self) -> int:
        """Returns the milliseconds since the epoch."""

    def learn(self, said_ms: int, took_ms: int) -> None:
        """Compares the clock with the time that AWS's answer said.

        `said_ms` is that time in milliseconds since the epoch; the answer came `took_ms` milliseconds after its
        request.
        """


def sign_by(clock: LearningClock) -> None:
    """Makes this process sign its requests with `clock`'s time in place of the machine's.

    AWS refuses a request whose signature is more than five minutes off. botocore offers no other way to set the time:
    it calls the function that is replaced here, and retries with the same wrong time.
    """

    def now(remove_tzinfo: bool = True) -> datetime:
        at = datetime.fromtimestamp(clock.now_ms() / 1_000, UTC)
        return at.replace(tzinfo=None) if remove_tzinfo else at

    # The second module exists if the optional package awscrt is installed; it then signs instead of the first.
    for signing in (botocore.auth, sys.modules.get("botocore.crt.auth")):
        if signing is not None:
            vars(signing)["get_current_datetime"] = now


class AwsTime:
    """Passes the Date of every answer that clients receive to a clock."""

    def __init__(self, clock: LearningClock) -> None:
        self._clock = clock
        self._last = ("", 0)  # caches the last parsed Date: all answers of one second have the same

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
        """Makes botocore repeat a request once, without waiting, if AWS refused it because this clock was wrong.

        The refused request has done nothing.
        """
        context = request_dict.get("context", {})
        if response is None or response[1].get("Error", {}).get("Code") not in _SKEW_CODES:
            return None
        signed_ms = self._clock.now_ms()
        # The Date is counted twice: the refusal itself is a second witness that the clock is wrong.
        for _witness in range(2):
            self._answered(response[1], context)
        was_wrong = abs(self._clock.now_ms() - signed_ms) > _SKEW_MS
        if not was_wrong or context.get(_REPEATED):
            return None
        context[_REPEATED] = True
        return 0  # seconds to wait; None would leave the decision to the client

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
        # By RFC 9110 a Date is in GMT even if it does not say so.
        said_ms = int((said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()) * 1_000
        self._last = (date, said_ms)
        return said_ms
