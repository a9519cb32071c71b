"""The port for the worker processes of pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.workers import Worker


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """A page of a pool's workers by id. `next` is the id after which the next page starts, None at the end.

    `unreadable` names the workers whose entries can't be decoded. They are not among `workers`.
    """

    workers: tuple[Worker, ...]
    next: str | None
    unreadable: tuple[str, ...] = ()


class WorkerRegistry(Protocol):
    """The worker processes of PROCESS pools: one entry for each id, owned by the session that wrote it.

    A refused change raises WorkerRefused with the entry as it is, unless the method names another error.
    """

    def register_if_free(self, worker: Worker, *, silent_since_ms: int) -> None:
        """Begins a session, over an entry that is INACTIVE, LOST, or has no heartbeat since `silent_since_ms`.

        Raises WorkerIdTaken where another session works under the id.
        """

    def take_over_if_held_by(self, worker: Worker, session_id: str) -> None:
        """Begins a session in the place of `session_id`, whatever the state of that session."""

    def heartbeat_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals of a session that is ACTIVE or DRAINING. Returns the entry with its state."""

    def drain_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals like `heartbeat_if_mine`, and changes ACTIVE to DRAINING. Returns the entry."""

    def come_back_if_lost(self, worker: Worker) -> Worker:
        """Changes LOST to the worker's own state and stores load and totals. Returns the entry.

        Refused where another session took the id meanwhile.
        """

    def leave_if_mine(self, worker: Worker) -> Worker:
        """Changes any state of this session to INACTIVE and stores its last totals. Returns the entry."""

    def request_drain_if_present(self, pool: str, worker_id: str, actor: str, now_ms: int) -> Worker:
        """Changes ACTIVE or DRAINING to DRAINING. Notes who first asked for that, and when. Returns the entry."""

    def mark_lost_if_silent(self, worker: Worker, *, silent_since_ms: int, expires_at_s: int) -> bool:
        """Changes ACTIVE or DRAINING to LOST where this session's last heartbeat is older than `silent_since_ms`.

        Returns whether it did.
        """

    def get(self, pool: str, worker_id: str) -> Worker | None:
        """Returns the entry from a consistent read, None where there is none."""

    def page(self, pool: str, *, limit: int, after: str | None = None) -> WorkerPage:
        """Returns at most `limit` entries of a pool by id, in any state, after the id `after`.

        An entry that can't be decoded is left out and named.
        """

    def list_live(self, pool: str, *, silent_since_ms: int) -> tuple[Worker, ...]:
        """Returns the ACTIVE and DRAINING workers of a pool with a heartbeat since `silent_since_ms`, by id.

        An entry that can't be decoded is left out.
        """
