"""Shows recorded acts to callers: of one subject, of one caller, or of all, newest first, in pages.

A page looks at a bounded number of acts and days, and says how far back it looked.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.audit import Act, AuditSearch, Outcome, SearchBy, day_of, subject_of
from tidegate.domain.callers import caller_under
from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.ids import first_ulid, ulid_time_ms
from tidegate.domain.job import submission_of
from tidegate.usecases.read import cursors
from tidegate.usecases.read.visible import find_job, is_accepted
from tidegate.usecases.services import Services

DAYS_PER_PAGE = 14  # that a page without subject and caller looks at
_READS = 5  # of a subject's acts, where only those of one caller are wanted
_DAY_MS = 86_400_000
_AHEAD_MS = 60_000  # a function whose clock is ahead may have recorded an act a little later than now
_TIME_CHARACTERS = 10
_ULID_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """The acts that are wanted. None of a field means all. Times are in milliseconds since the epoch.

    `subject` is as `subject_of` makes it. `caller` is the whole subject of a caller, such as an ARN. `since_ms` counts
    and `until_ms` does not.
    """

    subject: str | None = None
    caller: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some acts, newest first, the cursor of the next page (None at the end), and the time back to which it looked."""

    acts: tuple[Act, ...]
    cursor: str | None
    looked_back_to_ms: int


def list_acts(
    services: Services, query: AuditQuery, *, cursor: str | None, limit: int, now_ms: int
) -> AuditPage:
    """Returns a page of at most `limit` (1-200) acts. A page may hold fewer, or none, before the end.

    The submission of a job or a workflow is its oldest act, read from the job or the workflow itself. Costs at most
    five queries by subject; a query and two batches by caller; and otherwise, for each of at most `DAYS_PER_PAGE` days,
    a query and a batch. Raises InvalidRequest for a malformed cursor or a time range that holds nothing;
    ServiceUnavailable.
    """
    oldest_ms = max(0, now_ms - services.settings.audit_retention_days * _DAY_MS)
    since_ms = oldest_ms if query.since_ms is None else query.since_ms
    # Days that have not come hold no act, and a caller would have to page through them.
    latest_ms = now_ms + _AHEAD_MS
    until_ms = latest_ms if query.until_ms is None else min(query.until_ms, latest_ms)
    if since_ms >= until_ms:
        if query.since_ms is None:
            raise InvalidRequest.of(
                "to", "is before all acts that are kept; leave it out, or give a later time"
            )
        raise InvalidRequest.of("from", "must be before `to`, and not in the future")
    before = _place_of(query, cursor, until_ms)
    if query.subject is not None:
        acts, place = _of_subject(services, query, (since_ms, until_ms), before, limit)
        if place is None:
            acts += _submission(services, query, since_ms, until_ms)
    elif query.caller is not None:
        search = AuditSearch(SearchBy.CALLER, query.caller, since_ms, until_ms)
        acts = services.audit.page(search, limit=limit, before=before)
        place = acts[-1].act_id if len(acts) == limit else None
    else:
        acts, place = _of_days(services, max(since_ms, oldest_ms), until_ms, before, limit)
    looked_back_to_ms = since_ms if place is None else ulid_time_ms(place)
    return AuditPage(acts, None if place is None else _cursor_of(query, place), looked_back_to_ms)


def _of_subject(
    services: Services, query: AuditQuery, between_ms: tuple[int, int], before: str | None, limit: int
) -> tuple[tuple[Act, ...], str | None]:
    """Returns acts of one subject, and the id behind which the next page begins, None at the end."""
    search = AuditSearch(SearchBy.SUBJECT, query.subject or "", *between_ms)
    found: list[Act] = []
    for _ in range(_READS):
        page = services.audit.page(search, limit=limit, before=before)
        for act in page:
            before = act.act_id
            if query.caller in (None, act.caller.subject):
                found.append(act)
                if len(found) == limit:
                    return tuple(found), before
        if len(page) < limit:
            return tuple(found), None
    return tuple(found), before


def _of_days(
    services: Services, since_ms: int, until_ms: int, before: str | None, limit: int
) -> tuple[tuple[Act, ...], str | None]:
    """Returns acts of all callers, day by day, and the place behind which the next page begins, None at the end."""
    place = before or first_ulid(until_ms)
    found: list[Act] = []
    for _ in range(DAYS_PER_PAGE):
        start_ms = _day_before(place)
        search = AuditSearch(SearchBy.DAY, day_of(start_ms), since_ms, until_ms)
        found += services.audit.page(search, limit=limit - len(found), before=place)
        if len(found) == limit:
            return tuple(found), found[-1].act_id
        if start_ms <= since_ms:
            return tuple(found), None
        place = first_ulid(start_ms)
    return tuple(found), place


def _day_before(place: str) -> int:
    """Returns the start of the latest day that may hold acts before `place`: an act's id, or the first id of a time."""
    at_ms = ulid_time_ms(place)
    last_ms = at_ms if len(place) == _ULID_CHARACTERS else at_ms - 1
    return last_ms - last_ms % _DAY_MS


def _submission(services: Services, query: AuditQuery, since_ms: int, until_ms: int) -> tuple[Act, ...]:
    """Returns the submission of the job or workflow that the query names, if it is in the range and stands there."""
    kind, _, name = (query.subject or "").partition("#")
    act = None
    if kind == "job" and name:
        act = _job_submission(services, name)
    elif kind == "workflow" and name:
        act = _workflow_submission(services, name)
    if act is None or query.caller not in (None, act.caller.subject):
        return ()
    return (act,) if since_ms <= act.at_ms < until_ms else ()


def _job_submission(services: Services, job_id: str) -> Act | None:
    try:
        job = find_job(services, job_id)
    except NotFound:
        return None
    if job.workflow_id is not None:
        return _workflow_submission(services, job.workflow_id)
    return _submitted("job", job_id, job.created_at_ms, job.submitted_by)


def _workflow_submission(services: Services, workflow_id: str) -> Act | None:
    submission = services.submissions.get(workflow_id)
    if submission is None or not is_accepted(submission):
        return None
    return _submitted("workflow", workflow_id, submission.created_at_ms, submission.submitted_by)


def _submitted(kind: str, name: str, at_ms: int, submitted_by: str | None) -> Act:
    return Act(
        act_id=submission_of(name),
        at_ms=at_ms,
        subject=subject_of(kind, name),
        act=f"{kind}.submit",
        route=f"POST /v1/{kind}s",
        caller=caller_under(submitted_by),
        outcome=Outcome.DONE,
        ended_at_ms=at_ms,
    )


def _cursor_of(query: AuditQuery, place: str) -> str:
    return cursors.short([_mark(query), place])


def _place_of(query: AuditQuery, cursor: str | None, until_ms: int) -> str | None:
    """Returns the place behind which the page begins. Raises InvalidRequest for a cursor of another query."""
    if cursor is None:
        return None
    with cursors.checked():
        mark, place = cursors.read_short(cursor)
        if mark != _mark(query) or len(place) not in (_TIME_CHARACTERS, _ULID_CHARACTERS):
            raise ValueError(place)
        if ulid_time_ms(place) > until_ms:
            raise ValueError("behind all acts")
        return str(place)


def _mark(query: AuditQuery) -> int:
    """Returns a number that is the same for the same query only, so that a cursor fits no other."""
    named: Sequence[str | int | None] = (query.subject, query.caller, query.since_ms, query.until_ms)
    return zlib.crc32(json.dumps(named).encode())
