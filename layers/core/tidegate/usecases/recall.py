"""Recall: what a long-lived process need not read again and again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from tidegate.domain.job import Job
from tidegate.domain.states import State

T = TypeVar("T")

KEEP_MS = (
    2_000  # what an operator or a worker changes is seen after that at the latest, or when its event comes
)
_JOBS_KEPT = 10_000


@dataclass(slots=True)
class Recall:
    """Keeps what was read for `keep_ms` milliseconds; with 0, nothing. Only for what may be a little old.

    `places` says, by the name of a long list, where the next look into it begins.
    """

    keep_ms: int = 0
    places: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def of(self, name: str, now_ms: int, read: Callable[[], T]) -> T:
        """What was read under this name not too long ago, else what `read` gives now."""
        if self.keep_ms == 0:
            return read()
        kept = self._kept.get(name)
        if kept is not None and 0 <= now_ms - kept[0] < self.keep_ms:
            return cast(T, kept[1])
        found = read()
        self._kept[name] = (now_ms, found)
        return found

    def forget(self, name: str | None = None) -> None:
        """Forgets what was read under a name, or everything."""
        if name is None:
            self._kept.clear()
        else:
            self._kept.pop(name, None)


@dataclass(slots=True)
class OwnNews:
    """The jobs that this process has just dispatched: the event that they became READY tells it nothing."""

    _jobs: deque[tuple[str, int | None]] = field(default_factory=deque)
    _known: set[tuple[str, int | None]] = field(default_factory=set)

    def note(self, jobs: Iterable[Job]) -> None:
        """Remembers jobs as they are dispatched, the latest 10,000."""
        for job in jobs:
            mark = (job.job_id, job.ready_at_ms)
            self._jobs.append(mark)
            self._known.add(mark)
            if len(self._jobs) > _JOBS_KEPT:
                self._known.discard(self._jobs.popleft())

    def is_old(self, job: Job) -> bool:
        """Whether the job is shown READY as it was before this process dispatched it."""
        return job.state is State.READY and (job.job_id, job.ready_at_ms) in self._known
