"""The port through which calls leave the stack for hosts that others named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tidegate.domain.outside_calls import Answer


class OutsideCaller(Protocol):
    """Calls hosts on the internet that callers named."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Posts a body to an https URL and returns the answer, whatever its status. No redirect is followed.

        Raises CallFailed if no answer came: the URL or an address of its host is refused, the host can't be found or
        reached, its certificate is not trusted, the time is over, or the answer is not HTTP.
        """
        ...
