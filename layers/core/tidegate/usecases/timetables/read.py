"""Shows timetables, their next times and their runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.timetables.due import due_at_ms
from tidegate.domain.timetables.timetable import Template, Timetable
from tidegate.domain.timetables.views import RunView, TimetableView
from tidegate.usecases.services import Services
from tidegate.usecases.timetables.find import find_timetable, template_of
from tidegate.usecases.timetables.subjects import run_views
from tidegate.usecases.timetables.times import following

_PAGE = 100
_PAGES = limits.MAX_TIMETABLES // _PAGE + 1
_TIMETABLE: Final = re.compile("[0-9A-Z]{26}")  # its id
_RUN: Final = re.compile("[0-9]{15}(#manual)?")  # its scheduled time, and the mark of a manual run
_BAD_CURSOR = "is not a cursor of this list; leave it out to start over"


@dataclass(frozen=True, slots=True)
class TimetableListing:
    """Some timetables, and the cursor of the next page; None at the end."""

    views: tuple[TimetableView, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RunListing:
    """Some runs, the latest first, and the cursor of the next page; None at the end."""

    views: tuple[RunView, ...]
    cursor: str | None


def list_timetables(
    services: Services, *, submitted_by: str | None, cursor: str | None, limit: int, now_ms: int
) -> TimetableListing:
    """Returns a page of at most `limit` (1-200) timetables, in the order of their ids.

    `submitted_by` wants those of one caller alone. Costs a query for each 100 timetables that the page looks at, one
    for the last run of each in the page, and a batch of what these submitted. Raises InvalidRequest for a malformed
    cursor; ServiceUnavailable.
    """
    _check_cursor(cursor, _TIMETABLE)
    found: list[Timetable] = []
    after = cursor
    for _ in range(_PAGES):
        page = services.timetables.page(limit=_PAGE if submitted_by else limit - len(found), after=after)
        for timetable in page.timetables:
            after = timetable.timetable_id
            if submitted_by in (None, timetable.owner):
                found.append(timetable)
            if len(found) == limit:
                return TimetableListing(tuple(views_of(services, found, now_ms)), after)
        if page.next is None:
            after = None
            break
    return TimetableListing(tuple(views_of(services, found, now_ms)), after)


def views_of(services: Services, timetables: Sequence[Timetable], now_ms: int) -> list[TimetableView]:
    """Returns timetables with their next times and their last runs."""
    latest = services.timetables.latest_runs([each.timetable_id for each in timetables], limit=1)
    runs = [latest[each.timetable_id][0] for each in timetables if latest[each.timetable_id]]
    last = {view.run.timetable_id: view for view in run_views(services, runs)}
    return [
        TimetableView(each, _next_ms(services, each, now_ms), last.get(each.timetable_id))
        for each in timetables
    ]


def _next_ms(services: Services, timetable: Timetable, now_ms: int) -> int | None:
    times = () if timetable.is_paused else following(services.calendar, timetable, now_ms, limit=1)
    return times[0] if times else None


def get_timetable(services: Services, timetable_id: str, *, now_ms: int) -> tuple[TimetableView, Template]:
    """Returns a timetable with its template. Raises NotFound; ServiceUnavailable if it is changed at the moment."""
    timetable = find_timetable(services, timetable_id)
    template = template_of(services, timetable)
    return views_of(services, [timetable], now_ms)[0], template


def next_times(
    services: Services, timetable_id: str, *, count: int, now_ms: int
) -> tuple[Timetable, Sequence[tuple[int, str, int]]]:
    """Returns a timetable and its next `count` scheduled times, as if it were not paused.

    Each time is in milliseconds since the epoch, with its text on the clock of the zone and with the time at which its
    run begins. Raises NotFound.
    """
    timetable = find_timetable(services, timetable_id)
    times = following(services.calendar, timetable, now_ms, limit=count)
    return timetable, [
        (at_ms, services.calendar.local(at_ms, timetable.zone), due_at_ms(timetable, at_ms))
        for at_ms in times
    ]


def list_runs(services: Services, timetable_id: str, *, cursor: str | None, limit: int) -> RunListing:
    """Returns a page of at most `limit` (1-200) runs, the latest first, with the states of what they submitted.

    Costs a read, a query and a batch for each 100 jobs or workflows. Raises NotFound; InvalidRequest for a malformed
    cursor.
    """
    _check_cursor(cursor, _RUN)  # first: a malformed request is refused before anything is read
    find_timetable(services, timetable_id)
    page = services.timetables.runs(timetable_id, limit=limit, after=cursor)
    return RunListing(tuple(run_views(services, page.runs)), page.next)


def _check_cursor(cursor: str | None, place: re.Pattern[str]) -> None:
    """Raises InvalidRequest for a cursor that no page gave: a client may make one, and it becomes part of a key."""
    if cursor is not None and not place.fullmatch(cursor):
        raise InvalidRequest.of("cursor", _BAD_CURSOR)
