"""The port for the ends of jobs that have been reopened since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidegate.domain.job import Job
from tidegate.domain.statistics.ended import EndPlace
from tidegate.ports.index import EndedPage


class KeptEnds(Protocol):
    """The ends that the index no longer shows, because the jobs were reopened or marked afterwards.

    An end is kept before the write that takes it out of the index. That write may then be refused, so an end may be
    both kept and in the index. A reader takes the union, by job id and time of the end.
    """

    def keep(self, jobs: Sequence[Job]) -> None:
        """Keeps the present end of each of the jobs, which have all ended. Safe to repeat.

        A kept end may be removed at the time at which its job might have been. Writes in bounded batches. Raises
        ServiceUnavailable or ServiceRefused if some could not be kept.
        """

    def page(
        self, pool: str, from_ms: int, to_ms: int, *, limit: int, after: EndPlace | None = None
    ) -> EndedPage:
        """Returns at most `limit` kept ends of a pool, from `from_ms` on and before `to_ms`, after `after`.

        They come in the order of `EndPlace`, earliest first. Times are in milliseconds since the epoch. The read shows
        every end that was kept before it.
        """
