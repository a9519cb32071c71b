"""The port for the leases on a pool's window."""

from __future__ import annotations

from typing import Protocol


class DispatchLeases(Protocol):
    """The leases that let one dispatcher at a time fill a pool's window, where several may run."""

    def take_if_free(self, pool: str, owner: str, *, now_ms: int, until_ms: int) -> bool:
        """Takes the lease until `until_ms`, in milliseconds since the epoch.

        Returns False where another owner has it. That owner then learns that this one asked.
        """

    def give_back_if_not_asked(self, pool: str, owner: str, *, until_ms: int) -> bool:
        """Gives the lease back. Returns True also where it belongs to another owner by now.

        Returns False where another dispatcher asked for it meanwhile. The owner then keeps the lease until `until_ms`
        and dispatches once more.
        """

    def give_back(self, pool: str, owner: str) -> None:
        """Gives the lease back, whether or not another dispatcher asked. A lease of another owner is no error."""
