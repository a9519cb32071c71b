"""The routes of timetables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate_client.models.base import page_reader, reader
from tidegate_client.models.timetables import (
    BackfillCount,
    Backfilled,
    NextRuns,
    Timetable,
    TimetableRun,
    TimetableSummary,
)
from tidegate_client.operations.jobs import Moment, moment
from tidegate_client.wire import Json, Listing, Operation, key_or_new, request
from tidegate_client.workflow import Workflow


def create_timetable(
    timetable: Mapping[str, Any], *, idempotency_key: str | None = None
) -> Operation[Timetable]:
    """Makes a timetable, `timetable` as `POST /v1/timetables` takes it; its `workflow` may be a built one.

    Without an idempotency key the client makes a new one, so that its own retries never make two. Raises
    InvalidWorkflow, InvalidRequest, which names each wrong field, and IdempotencyConflict.
    """
    key = key_or_new(idempotency_key)
    sent = request("POST", "/v1/timetables", body=_sent(timetable), idempotency_key=key)
    return Operation(sent, reader(Timetable))


def list_timetables(
    *, submitted_by: str | None = None, page_size: int | None = None
) -> Listing[TimetableSummary]:
    """Lists timetables with their next time and their last run; `submitted_by` is the subject of their caller."""
    sent = request("GET", "/v1/timetables", submitted_by=submitted_by, limit=page_size)
    return Listing(sent, page_reader(TimetableSummary, "timetables"))


def get_timetable(timetable_id: str) -> Operation[Timetable]:
    """Reads a timetable with its template. Raises NotFound."""
    return Operation(request("GET", "/v1/timetables/{}", timetable_id), reader(Timetable))


def change_timetable(timetable_id: str, change: Mapping[str, Any]) -> Operation[Timetable]:
    """Changes a timetable, and returns it after that.

    `change` has the fields of `create_timetable` that get another value, except `paused`. None takes `name`, `start` or
    `end` off. A second call has no further effect. Raises NotFound, Forbidden for a timetable of somebody else, and
    InvalidRequest.
    """
    sent = request("PATCH", "/v1/timetables/{}", timetable_id, body=_sent(change))
    return Operation(sent, reader(Timetable))


def remove_timetable(timetable_id: str) -> Operation[TimetableSummary]:
    """Removes a timetable, and returns it as it was. The jobs that it submitted stay. Raises NotFound and Forbidden."""
    return Operation(request("DELETE", "/v1/timetables/{}", timetable_id), reader(TimetableSummary))


def pause_timetable(timetable_id: str) -> Operation[TimetableSummary]:
    """Pauses a timetable, and returns it after that. A second call has no further effect."""
    return Operation(request("POST", "/v1/timetables/{}/pause", timetable_id), reader(TimetableSummary))


def resume_timetable(timetable_id: str) -> Operation[TimetableSummary]:
    """Resumes a timetable, and returns it after that. Times during the pause are passed over."""
    return Operation(request("POST", "/v1/timetables/{}/resume", timetable_id), reader(TimetableSummary))


def run_timetable(timetable_id: str, *, idempotency_key: str | None = None) -> Operation[TimetableRun]:
    """Runs a timetable once, now, also while it is paused, and returns the run.

    Without an idempotency key the client makes a new one, so that its own retries never run it twice. Raises NotFound,
    Forbidden, and what a submission raises.
    """
    key = key_or_new(idempotency_key)
    sent = request("POST", "/v1/timetables/{}/run", timetable_id, idempotency_key=key)
    return Operation(sent, reader(TimetableRun))


def count_backfill(timetable_id: str, since: Moment, until: Moment) -> Operation[BackfillCount]:
    """Counts the scheduled times of a past range. `since` counts and `until` does not. Raises NotFound."""
    asked = request("GET", "/v1/timetables/{}/backfill", timetable_id, from_=moment(since), to=moment(until))
    return Operation(asked, reader(BackfillCount))


def backfill(timetable_id: str, since: Moment, until: Moment) -> Operation[Backfilled]:
    """Submits the scheduled times of a past range that were not submitted, as many as one call does.

    `since` counts and `until` does not. Call it again from the answer's `next_from` on, until that is None. A repeated
    call submits nothing twice. Raises NotFound, Forbidden and InvalidRequest.
    """
    body = {"from": moment(since), "to": moment(until)}
    return Operation(
        request("POST", "/v1/timetables/{}/backfill", timetable_id, body=body), reader(Backfilled)
    )


def next_runs(timetable_id: str, *, count: int | None = None) -> Operation[NextRuns]:
    """Reads the next `count` (1-100, 10 by default) scheduled times of a timetable. Raises NotFound."""
    return Operation(request("GET", "/v1/timetables/{}/next", timetable_id, count=count), reader(NextRuns))


def list_runs(timetable_id: str, *, page_size: int | None = None) -> Listing[TimetableRun]:
    """Lists the runs of a timetable, the latest first."""
    sent = request("GET", "/v1/timetables/{}/runs", timetable_id, limit=page_size)
    return Listing(sent, page_reader(TimetableRun, "runs"))


def _sent(given: Mapping[str, Any]) -> Json:
    body = dict(given)
    for name in ("start", "end", "anchor"):
        if name in body:
            body[name] = moment(body[name])
    if isinstance(body.get("workflow"), Workflow):
        body["workflow"] = body["workflow"].as_json()
    return body
