"""Reads a group of the index beyond its first page, for counts that must be complete."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.domain.states import Group
from tidegate.ports import IndexEntry, JobIndex


def entries_of(index: JobIndex, pool: str, group: Group, at_most: int) -> Iterator[IndexEntry]:
    """Yields the entries of a group over all shards, at most `at_most` (1 or more) of each shard.

    The store may end a page before the group ends (DynamoDB does after 1 MB), so each shard is read beyond its first
    page. The first pages are read in parallel, further ones only when the caller needs them. Raises
    ServiceUnavailable.
    """
    for (lane, shard), first in index.first_pages(pool, group, limit=at_most).items():
        page, seen = first, 0
        while True:
            yield from page.entries
            seen += len(page.entries)
            if page.next is None or seen >= at_most:
                break
            page = index.page(pool, group, shard, limit=at_most - seen, after=page.next, lane=lane)
