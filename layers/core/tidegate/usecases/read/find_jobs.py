"""Finds the jobs that a query asks for, page by page.

A page looks at a bounded number of entries of the index, and says how many. So it may hold fewer jobs than its limit,
or none, before the listing ends. Filters are first judged by the entries, and then by the jobs themselves, because the
index may lag behind them.

Without an order, the states are listed one after another, each in its own order: READY jobs most urgent first, ended
jobs latest first, all others oldest first. In another order that the index does not have by itself, the jobs are
sorted among the entries that one page looks at. The pages that follow look at the same entries again, until all of
them have been listed, and only then at the next ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.job_query import (
    NO_USUAL_RUNS,
    JobQuery,
    Order,
    UsualRuns,
    is_latest_first,
    moment_of,
)
from tidegate.domain.rank import first_rank_of
from tidegate.domain.states import Group
from tidegate.ports import IndexEntry
from tidegate.usecases.pools.earlier_pools import listed_pools
from tidegate.usecases.read import cursors
from tidegate.usecases.read.listing import (
    Looked,
    Place,
    ReadySection,
    Section,
    StreamsSection,
    WorkflowSection,
)
from tidegate.usecases.read.visible import find_workflow, visible_jobs
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import known_usual_runs

LOOKED_AT_MOST = limits.MAX_JOBS_LOOKED_AT
_READ_AT_ONCE = 100  # jobs of one read

SortKey = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class _Window:
    """Entries that are listed in an order of their own: those up to the place `end`, and the last key listed."""

    end: Place | None
    listed: SortKey


@dataclass(frozen=True, slots=True)
class At:
    """Where a listing continues: behind a place in a section (None: at its beginning), perhaps within a window."""

    section: int = 0
    place: Place | None = None
    window: _Window | None = None


@dataclass(frozen=True, slots=True)
class FoundJobs:
    """A page of jobs without their inputs, and how many entries of the index it looked at.

    `cursor_behind` says where the next page starts if only the first jobs are taken.
    """

    jobs: tuple[Job, ...]
    looked_at: int
    _listing: Listing
    _behind: tuple[Callable[[], At | None], ...]
    _next: At | None

    @property
    def cursor(self) -> str | None:
        """Returns the cursor of the next page; None at the end of the listing."""
        return self.cursor_behind(len(self.jobs))

    def cursor_behind(self, count: int) -> str | None:
        """Returns the cursor behind the first `count` jobs; None at the end of the listing."""
        at = self._next if count >= len(self.jobs) else self._behind[count - 1]()
        return None if at is None else self._listing.cursor_of(at)


def find_jobs(
    services: Services,
    query: JobQuery,
    *,
    cursor: str | None,
    limit: int,
    now_ms: int,
    look_at: int | None = None,
) -> FoundJobs:
    """Returns a page of at most `limit` (1-200) jobs; it looks at no more than `look_at` entries.

    `look_at` is 1 to `LOOKED_AT_MOST`, which None stands for.
    Costs one query for each pool, shard and group of the index that the page reaches, for READY jobs one for each lane,
    and one read for each 100 jobs. For stragglers it reads the usual runs once in ten minutes; where they can't be
    read, no job is one. Raises InvalidRequest for an unknown pool or for a cursor that is malformed or of another
    listing; NotFound for a workflow that does not exist; ServiceUnavailable.
    """
    listing = listing_of(services, query)
    at: At | None = At() if cursor is None else listing.position_of(services, cursor)
    usual = known_usual_runs(services, now_ms) if query.straggler else NO_USUAL_RUNS
    page = _Page(services, query, listing, limit, now_ms, look_at or LOOKED_AT_MOST, usual)
    while at is not None and page.has_room:
        before = at
        at = page.add_from(at)
        if at is not None and at.section == before.section:
            break  # one look at each section
    return FoundJobs(tuple(page.jobs), page.looked_at, listing, tuple(page.behind), at)


@dataclass(frozen=True, slots=True)
class Listing:
    """The sections of a query's listing, and its cursors, which hold for the same query only."""

    query: JobQuery
    sections: tuple[Section, ...]

    def cursor_of(self, at: At) -> str:
        window = None if at.window is None else [at.window.end, *at.window.listed]
        return cursors.packed([self._digest, at.section, at.place, window])

    def position_of(self, services: Services, cursor: str) -> At:
        with cursors.checked():
            digest, section, place, window = cursors.read_packed(cursor)
            if digest != self._digest or type(section) is not int or not 0 <= section < len(self.sections):
                raise ValueError("of another listing")
            at = At(section, _place_from(place), _window_from(window))
            for each in (at.place, None if at.window is None else at.window.end):
                if each is not None:
                    self.sections[section].check(services, each)
            return at

    def behind(self, section: int, place: Place | None) -> At | None:
        """Returns the position at `place` of a section, or at the next section; None behind the last one."""
        if place is not None:
            return At(section, place)
        return At(section + 1) if section + 1 < len(self.sections) else None

    @property
    def _digest(self) -> str:
        plain = {each.name: getattr(self.query, each.name) for each in fields(self.query)}
        plain["tags"] = sorted(self.query.tags.items())
        return hashlib.sha256(repr(plain).encode()).hexdigest()[:16]


def listing_of(services: Services, query: JobQuery) -> Listing:
    """Returns the sections in which a query's jobs are listed.

    Raises InvalidRequest for an unknown pool, NotFound for an unknown workflow, ServiceUnavailable.
    """
    pools = tuple(listed_pools(services, query.pool))
    if query.workflow_id is not None:
        submission = find_workflow(services, query.workflow_id)
        return Listing(query, (WorkflowSection(query.workflow_id, submission.job_count),))
    if query.order is not Order.TIME:
        return Listing(query, tuple(_section_of((group,), pools, query) for group in query.groups))
    by_moment = tuple(group for group in query.groups if group is not Group.READY)
    sections = [_section_of(by_moment, pools, query)] if by_moment else []
    if Group.READY in query.groups:
        sections.append(ReadySection(pools))
    return Listing(query, tuple(sections))


def _section_of(groups: tuple[Group, ...], pools: tuple[str, ...], query: JobQuery) -> Section:
    if groups == (Group.READY,):
        return ReadySection(pools)
    descending = all(map(is_latest_first, groups))
    if query.order is Order.TIME and query.descending is not None:
        descending = query.descending
    return StreamsSection(groups, pools, descending, query.from_ms, query.to_ms)


# --- a page ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Page:
    """A page that is being filled; `behind` tells the position behind each of its jobs."""

    services: Services
    query: JobQuery
    listing: Listing
    limit: int
    now_ms: int
    look_at: int
    usual: UsualRuns
    jobs: list[Job] = field(default_factory=list)
    behind: list[Callable[[], At | None]] = field(default_factory=list)
    looked_at: int = 0

    @property
    def has_room(self) -> bool:
        """True while the page may take another job, and may look at another entry."""
        return len(self.jobs) < self.limit and self.looked_at < self.look_at

    def add_from(self, at: At) -> At | None:
        """Looks once behind a position and adds the jobs that fit; returns where the listing continues."""
        section = self.listing.sections[at.section]
        return self._add_sorted(section, at) if self._is_sorted(section) else self._add_in_order(section, at)

    def _is_sorted(self, section: Section) -> bool:
        """True if the order is another than that of the section."""
        order = self.query.order
        if isinstance(section, ReadySection):
            return order is Order.TIME or (order is Order.PRIORITY and self.query.descending is False)
        return order is Order.PRIORITY or (order is not None and isinstance(section, WorkflowSection))

    def _add_in_order(self, section: Section, at: At) -> At | None:
        room = self.look_at - self.looked_at
        is_selective = self.query.is_selective or isinstance(section, WorkflowSection)
        looked = section.look(
            self.services, at.place, room if is_selective else min(room, self.limit - len(self.jobs))
        )
        entries = looked.entries
        place = 0
        while place < len(entries) and self.has_room:
            start, portion = place, list[int]()
            while place < len(entries) and len(portion) < self._portion:
                if self._may_fit(entries[place]):
                    portion.append(place)
                place += 1
            read = self._read([entries[each] for each in portion])
            for each in portion:
                job = read.get(entries[each].job_id)
                if job is not None:
                    self._take(job, partial(self._behind, at.section, looked, each + 1))
                    if len(self.jobs) == self.limit:
                        place = each + 1
                        break
            self.looked_at += place - start
        return self._behind(at.section, looked, place)

    def _behind(self, section: int, looked: Looked, count: int) -> At | None:
        return self.listing.behind(section, looked.place_behind(count))

    def _add_sorted(self, section: Section, at: At) -> At | None:
        room = self.look_at - self.looked_at
        # A window that is looked at again may have got more entries meanwhile, so more of them are asked for.
        looked = section.look(self.services, at.place, room if at.window is None else 2 * LOOKED_AT_MOST)
        end = looked.place_behind(len(looked.entries)) if at.window is None else at.window.end
        entries = looked.entries_up_to(end)
        self.looked_at += min(len(entries), room)
        if at.window is None and end is not None and room < self.look_at:
            return at  # the next page looks at more entries at once
        keyed = self._sorted(section, entries, at.window)
        place = 0
        while place < len(keyed) and len(self.jobs) < self.limit:
            portion = keyed[place : place + self._portion]
            read = self._read([entry for _, entry in portion])
            for key, entry in portion:
                place += 1
                job = read.get(entry.job_id)
                if job is not None:
                    self._take(job, partial(At, at.section, at.place, _Window(end, key)))
                    if len(self.jobs) == self.limit:
                        break
        if place < len(keyed):
            return At(at.section, at.place, _Window(end, keyed[place - 1][0]))
        return self.listing.behind(at.section, end)

    def _sorted(
        self, section: Section, entries: Sequence[IndexEntry], window: _Window | None
    ) -> list[tuple[SortKey, IndexEntry]]:
        if isinstance(section, WorkflowSection):
            entries = [_entry_of(job) for job in self._jobs_of(entries).values()]
        keyed = [(self._key(section, entry), entry) for entry in entries if self._may_fit(entry)]
        keyed.sort(key=lambda item: item[0])
        return [item for item in keyed if window is None or item[0] > window.listed]

    def _key(self, section: Section, entry: IndexEntry) -> SortKey:
        is_ready = isinstance(section, ReadySection)
        indexed = entry.read_indexed() if entry.read_indexed is not None else None
        own = first_rank_of(entry.sort) if is_ready else entry.sort
        if self.query.order is Order.TIME:
            value = (indexed.ready_at_ms if is_ready and indexed is not None else None) or entry.sort
            return -value if self.query.descending else value, -own if is_ready else own, entry.job_id
        if is_ready:
            return own, 0, entry.job_id
        value = 0 if indexed is None else indexed.priority
        latest_first = isinstance(section, StreamsSection) and section.descending
        return (
            value if self.query.descending is False else -value,
            -own if latest_first else own,
            entry.job_id,
        )

    @property
    def _portion(self) -> int:
        """How many jobs are read at once: as many as the page can take, or more where some of them may not fit."""
        return _READ_AT_ONCE if self.query.is_judged_by_jobs else max(1, self.limit - len(self.jobs))

    def _may_fit(self, entry: IndexEntry) -> bool:
        if entry.read_indexed is None:
            return True
        return self.query.may_fit(entry.job_id, entry.traits, entry.read_indexed(), self.now_ms, self.usual)

    def _read(self, entries: Sequence[IndexEntry]) -> Mapping[str, Job]:
        """Returns the jobs that fit and that clients may see, by id."""
        fitting = [
            job for job in self._jobs_of(entries).values() if self.query.fits(job, self.now_ms, self.usual)
        ]
        if self.query.workflow_id is not None:
            return {job.job_id: job for job in fitting}
        return {job.job_id: job for job in visible_jobs(self.services, fitting)}

    def _jobs_of(self, entries: Sequence[IndexEntry]) -> Mapping[str, Job]:
        return self.services.jobs.get_many([entry.job_id for entry in entries]) if entries else {}

    def _take(self, job: Job, behind: Callable[[], At | None]) -> None:
        self.jobs.append(job)
        self.behind.append(behind)


def _entry_of(job: Job) -> IndexEntry:
    return IndexEntry(job.job_id, moment_of(job), job.traits, lambda: job.indexed)


# --- what cursors hold -------------------------------------------------------------------------------


def _place_from(plain: Any) -> Place | None:
    if plain is not None and not isinstance(plain, list):
        raise TypeError(plain)
    return plain


def _window_from(plain: Any) -> _Window | None:
    if plain is None:
        return None
    end, first, second, job_id = plain
    if type(first) is not int or type(second) is not int or not isinstance(job_id, str):
        raise TypeError(plain)
    return _Window(_place_from(end), (first, second, job_id))
