"""Caches reads and the latest dispatches in a long-lived process, so that it need not read them again and again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from tidegate.domain.job import Job
from tidegate.domain.states import State

T = TypeVar("T")

# A change by an operator or a worker is seen after this time at the latest, or earlier when its event arrives.
KEEP_MS = 2_000
# Statistics change from hour to hour, so they may be this old.
KEEP_LONG_MS = 10 * 60_000
_JOBS_KEPT = 10_000


@dataclass(slots=True)
class Recall:
    """A cache whose entries are used for `keep_ms` milliseconds; with 0 nothing is cached.

    Only for reads that may be a little old. `places` stores, by the name of a long list, where the next read of it
    begins.
    """

    keep_ms: int = 0
    places: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def of(self, name: str, now_ms: int, read: Callable[[], T]) -> T:
        """Returns the value cached under `name` if it is recent enough; else calls `read` and caches its result."""
        if self.keep_ms == 0:
            return read()
        kept = self._kept.get(name)
        if kept is not None and 0 <= now_ms - kept[0] < self.keep_ms:
            return cast(T, kept[1])
        found = read()
        self._kept[name] = (now_ms, found)
        return found

    def forget(self, name: str | None = None) -> None:
        """Removes the value cached under `name`; without a name, all values."""
        if name is None:
            self._kept.clear()
        else:
            self._kept.pop(name, None)


@dataclass(slots=True)
class OwnDispatches:
    """Remembers the jobs that this process has just dispatched.

    The change by which such a job became READY may arrive after its dispatch. The process can then ignore it.
    """

    _jobs: deque[tuple[str, int | None]] = field(default_factory=deque)
    _known: set[tuple[str, int | None]] = field(default_factory=set)

    def note(self, jobs: Iterable[Job]) -> None:
        """Remembers dispatched jobs; keeps the latest 10,000."""
        for job in jobs:
            mark = (job.job_id, job.ready_at_ms)
            self._jobs.append(mark)
            self._known.add(mark)
            if len(self._jobs) > _JOBS_KEPT:
                self._known.discard(self._jobs.popleft())

    def is_outdated(self, job: Job) -> bool:
        """True if the job is READY here, but only as it was before this process dispatched it."""
        return job.state is State.READY and (job.job_id, job.ready_at_ms) in self._known
