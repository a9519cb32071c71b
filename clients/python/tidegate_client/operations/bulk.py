"""The routes that act on many jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tidegate_client.models.base import reader
from tidegate_client.models.bulk import Acted
from tidegate_client.operations.jobs import Moment, moment
from tidegate_client.wire import Operation, request


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """The jobs of an act in bulk, by the filters of `list_jobs`, which combine.

    `state` is a state, or several with commas between. `failure` is the fingerprint of a failure group. `tag` has texts
    like `team=data`. `since` counts and `until` does not. `finish_by` keeps the jobs that ought to end by then or
    earlier, `verdict` those of whose time this is known (`at-risk`, for one). `waits_longer_than` is in seconds.
    """

    state: str
    pool: str | None = None
    type: str | None = None
    workflow: str | None = None
    id: str | None = None
    worker: str | None = None
    tag: Sequence[str] = ()
    name: str | None = None
    key: str | None = None
    error: str | None = None
    failure: str | None = None
    submitted_by: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    finish_by: Moment | None = None
    verdict: str | None = None
    overdue: bool | None = None
    waits_longer_than: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Returns the filter as the API takes it."""
        named = {"since": "from", "until": "to"}
        given = {named.get(each.name, each.name): getattr(self, each.name) for each in fields(self)}
        given |= {"from": moment(self.since), "to": moment(self.until), "finish_by": moment(self.finish_by)}
        given["tag"] = list(self.tag) or None
        return {name: value for name, value in given.items() if value is not None}


Wanted = JobFilter | Mapping[str, Any]
"""A filter, or one as the API takes it."""


def cancel_jobs(
    wanted: Wanted, *, dry_run: bool = False, limit: int | None = None, cursor: str | None = None
) -> Operation[Acted]:
    """Cancels at most `limit` (1 to 200, 50 by default) of the wanted jobs, and tells what became of each.

    `cursor` continues with those after the answer before. `dry_run` changes nothing. A repeated call is safe.
    """
    return _act("cancel", wanted, dry_run=dry_run, limit=limit, cursor=cursor)


def retry_jobs(
    wanted: Wanted, *, dry_run: bool = False, limit: int | None = None, cursor: str | None = None
) -> Operation[Acted]:
    """Reopens at most `limit` of the wanted jobs that ended without success, as `cancel_jobs` cancels them."""
    return _act("retry", wanted, dry_run=dry_run, limit=limit, cursor=cursor)


def reprioritise_jobs(
    wanted: Wanted,
    *,
    priority: int,
    dry_run: bool = False,
    limit: int | None = None,
    cursor: str | None = None,
) -> Operation[Acted]:
    """Gives at most `limit` of the wanted jobs that wait another priority, as `cancel_jobs` cancels them."""
    return _act("reprioritise", wanted, dry_run=dry_run, limit=limit, cursor=cursor, priority=priority)


def hold_jobs(
    wanted: Wanted, *, dry_run: bool = False, limit: int | None = None, cursor: str | None = None
) -> Operation[Acted]:
    """Puts at most `limit` of the wanted jobs that wait on hold, as `cancel_jobs` cancels them."""
    return _act("hold", wanted, dry_run=dry_run, limit=limit, cursor=cursor)


def unhold_jobs(
    wanted: Wanted, *, dry_run: bool = False, limit: int | None = None, cursor: str | None = None
) -> Operation[Acted]:
    """Takes at most `limit` of the wanted jobs off hold, as `cancel_jobs` cancels them."""
    return _act("unhold", wanted, dry_run=dry_run, limit=limit, cursor=cursor)


def _act(act: str, wanted: Wanted, *, dry_run: bool, **options: Any) -> Operation[Acted]:
    body: dict[str, Any] = {"filter": wanted.as_json() if isinstance(wanted, JobFilter) else dict(wanted)}
    body |= {name: value for name, value in options.items() if value is not None}
    if dry_run:
        body["dry_run"] = True
    return Operation(request("POST", f"/v1/jobs/{act}", body=body), reader(Acted))
