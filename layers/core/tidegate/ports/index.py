"""The port for the index that finds jobs by pool, group and order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.domain.indexed import IndexedFields
from tidegate.domain.lanes import MAIN
from tidegate.domain.states import Group
from tidegate.domain.statistics.ended import EndedJob, EndPlace
from tidegate.domain.traits import NO_TRAITS, Traits


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A job as the index shows it.

    `sort` is the rank for READY, else a time in milliseconds since the epoch (see JobIndex). Two entries are equal
    where the job and `sort` are. `traits` are for the dispatcher. `read_indexed` reads what the entry carries for
    listings, when it is asked for, so that the dispatcher does not pay for it. An entry that only marks a place has
    neither.
    """

    job_id: str
    sort: int
    traits: Traits = field(default=NO_TRAITS, compare=False)
    read_indexed: Callable[[], IndexedFields] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IndexPage:
    """A page of one shard of one group. `next` is where the next page starts, None at the end."""

    entries: tuple[IndexEntry, ...]
    next: IndexEntry | None


@dataclass(frozen=True, slots=True)
class EndedPage:
    """A page of ends in the order of `EndPlace`. `next` is where the next page starts, None at the end."""

    entries: tuple[EndedJob, ...]
    next: EndPlace | None


class JobIndex(Protocol):
    """The one index: hints for dispatch, capacity, repair and listings. It may lag behind the jobs.

    The entries of a group are sorted: READY by rank, ACTIVE by dispatch time, SCHEDULED by due time, PENDING by
    creation time, terminal states by finish time. Times are in milliseconds since the epoch.
    """

    @property
    def shards(self) -> int:
        """Returns how many shards each group of each pool has."""

    def page(
        self,
        pool: str,
        group: Group,
        shard: int,
        *,
        limit: int,
        descending: bool = False,
        after: IndexEntry | None = None,
        up_to: int | None = None,
        lane: str = MAIN,
    ) -> IndexPage:
        """Returns at most `limit` entries of one shard, after `after`, with a sort value of at most `up_to`.

        `lane` counts for READY only: the page then holds the jobs of that lane. A lane that is not sharded has shard 0
        alone.
        """

    def first_pages(
        self,
        pool: str,
        group: Group,
        *,
        limit: int,
        descending: bool = False,
        up_to: int | None = None,
        lanes: Sequence[str] = (MAIN,),
    ) -> Mapping[tuple[str, int], IndexPage]:
        """Returns the first page of every shard of each of `lanes`, by lane and shard. Reads side by side."""

    def count(self, pool: str, group: Group, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> int:
        """Counts the jobs of the group over all shards of `lanes`. It stops counting at `at_most`."""

    def ranks(self, pool: str, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> Sequence[int]:
        """Returns the ranks of the READY jobs of `lanes`: the `at_most` (1 or more) highest of each shard of a lane.

        Reads as many units as `count` does, and answers more bytes. The result has at least `at_most` ranks wherever
        there are at least so many jobs.
        """

    def ended(
        self,
        pool: str,
        group: Group,
        shard: int,
        *,
        from_ms: int,
        to_ms: int,
        limit: int,
        after: EndPlace | None = None,
    ) -> EndedPage:
        """Returns at most `limit` ends of one shard of a terminal group, from `from_ms` on and before `to_ms`.

        They come after `after`, earliest first. Times are in milliseconds since the epoch. Only the present end of a
        job is in the index (see `KeptEnds`). The read may lag behind the writes.

        An end comes into the index within `SETTLES_MS` of its time. So a span that ended so long ago has all its ends,
        in the index or kept. The longest way is a run of the dispatcher, which stamps with its beginning and ends
        within 300 s. Only a worker process that was suspended before its last write may be later, by its lease
        (docs/decisions/0056-ends-are-kept-for-counting.md).
        """
