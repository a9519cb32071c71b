"""Lists the groups of failed and timed-out jobs, newest failures first.

A page reads a bounded number of failed jobs, and groups these. The next page groups earlier ones, so a group may come
on several pages. All pages of a listing have the same time range, and so the same steps. A client can add their counts
up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.failures import FailedJob, FailureGroup, failed_job, grouped
from tidegate.domain.job_query import JobQuery, Order
from tidegate.domain.rules import DispatchRules
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.read import cursors
from tidegate.usecases.read.find_jobs import LOOKED_AT_MOST, find_jobs
from tidegate.usecases.services import Services

DEFAULT_SINCE_MS: Final = 86_400_000
_CURSOR: Final = re.compile("([0-9]{1,14})-([0-9]{1,14})-(.+)")
_PORTIONS: Final = LOOKED_AT_MOST // limits.MAX_PAGE_SIZE  # of jobs that are held in memory at once


@dataclass(frozen=True, slots=True)
class FailurePage:
    """A page of groups. `left_out` is how many muted groups it leaves out.

    `from_ms` and `to_ms` bound the time of the listing. `looked_at` is how many entries of the index the page looked
    at, `looked_back_to_ms` is when the earliest job that it found ended, or `from_ms` on the last page. It is None
    where the page found none. Times are in milliseconds since the epoch.
    """

    groups: tuple[FailureGroup, ...]
    left_out: int
    rules: DispatchRules
    from_ms: int
    to_ms: int
    looked_at: int
    looked_back_to_ms: int | None
    cursor: str | None


def list_failures(
    services: Services,
    query: JobQuery,
    *,
    cursor: str | None,
    with_muted: bool,
    now_ms: int,
    until: Deadline = NEVER,
) -> FailurePage:
    """Returns the groups of the next 1,000 failed jobs at most. It ends earlier at `until` or with 200 groups.

    `query` names the failed jobs. Without its `from_ms` it asks for those of the last day.
    Costs at most what five pages of a listing of 200 jobs cost, and one read of the rules.
    Raises InvalidRequest for an unknown pool, a time range that has not begun, and a cursor that is malformed or of
    another listing; ServiceUnavailable.
    """
    rules = services.rules.load()
    from_ms, to_ms, behind = _range(query, cursor, now_ms)
    # In the order of time, the states are merged; otherwise all FAILED jobs would come before the first TIMED_OUT one.
    wanted = replace(query, from_ms=from_ms, to_ms=to_ms, order=Order.TIME)
    failed: list[FailedJob] = []
    fingerprints: set[str] = set()
    looked_at = 0
    for _ in range(_PORTIONS):
        page = find_jobs(
            services,
            wanted,
            cursor=behind,
            limit=limits.MAX_PAGE_SIZE,
            now_ms=now_ms,
            look_at=LOOKED_AT_MOST - looked_at,
        )
        portion = [failed_job(job) for job in page.jobs]
        failed += portion
        fingerprints.update(job.fingerprint for job in portion)
        looked_at, behind = looked_at + page.looked_at, page.cursor
        is_full = looked_at >= LOOKED_AT_MOST or len(fingerprints) >= limits.MAX_PAGE_SIZE
        if behind is None or is_full or until.is_over():
            break
    groups = grouped(failed, from_ms=from_ms, to_ms=to_ms)
    shown = [group for group in groups if with_muted or rules.mute_of(group.fingerprint) is None]
    earliest = min((job.at_ms for job in failed), default=None)
    return FailurePage(
        tuple(shown),
        len(groups) - len(shown),
        rules,
        from_ms,
        to_ms,
        looked_at,
        from_ms if behind is None else earliest,
        None if behind is None else f"{from_ms}-{to_ms}-{behind}",
    )


def _range(query: JobQuery, cursor: str | None, now_ms: int) -> tuple[int, int, str | None]:
    """Returns the time range of the listing, and the cursor of the jobs' listing."""
    if cursor is None:
        from_ms = now_ms - DEFAULT_SINCE_MS if query.from_ms is None else query.from_ms
        if from_ms >= now_ms:
            raise InvalidRequest.of("since", "must be a time that has passed")
        return from_ms, now_ms, None
    with cursors.checked():
        found = _CURSOR.fullmatch(cursor)
        if found is None or not int(found[1]) < int(found[2]) <= now_ms:
            raise ValueError(cursor)
        return int(found[1]), int(found[2]), found[3]
