"""The port for the calls of the API that wait for an end."""

from __future__ import annotations

from typing import Protocol


class OpenWaits(Protocol):
    """The waits that are open in the whole deployment. Each has a holder, and a moment after which it counts as over.

    Each call that waits keeps an execution of the API's function busy, so a deployment bounds how many may.
    """

    def begin_if_fewer(self, holder: str, *, most: int, now_ms: int, until_ms: int) -> bool:
        """Opens a wait until `until_ms`, in milliseconds since the epoch. Returns False where `most` waits are open.

        `most` is from 1 to `MAX_OPEN_WAITS`. `holder` is a name of at most 8 characters, which no other wait with the
        same end has.
        """

    def end(self, holder: str, *, until_ms: int) -> None:
        """Ends the wait that this holder opened until `until_ms`; no error if it is over."""
