"""Compares this machine's clock with the API's, by the Date header of any answer."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx

from tidegate_cli.doctor.findings import NotMade

_TIMEOUT_SECONDS = 10.0
_HALF_A_SECOND = 0.5  # the header leaves the fraction out


def clock_ahead_seconds(
    api_url: str,
    now_s: Callable[[], float],
    *,
    trust_env: bool = True,
    transport: httpx.BaseTransport | None = None,
) -> float:
    """Returns how many seconds this machine's clock is ahead of the API's, negative where it is behind.

    The request carries no signature, because a refusal has a date too. `now_s` returns the time of this machine in
    seconds since the epoch; the request is dated by its middle. Raises NotMade without an answer, or without a date.
    """
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=trust_env, transport=transport) as http:
        before_s = now_s()
        try:
            answer = http.get(f"{api_url}/v1/health")
        except httpx.TransportError as error:
            raise NotMade(f"{api_url} did not answer") from error
        after_s = now_s()
    try:
        theirs_s = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError) as error:
        raise NotMade(f"the answer of {api_url} has no date") from error
    return (before_s + after_s) / 2 - (theirs_s + _HALF_A_SECOND)
