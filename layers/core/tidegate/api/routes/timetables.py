"""The routes of timetables."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, page_answer
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import (
    ULID,
    body_of,
    deps_of,
    id_of,
    key_and_dry_run_of,
    moment_of,
    on_accepted_of,
    refuse_other_parameters,
    until_of,
)
from tidegate.contracts.requests import read_no_options
from tidegate.contracts.times import to_wire
from tidegate.contracts.timetables import (
    BackfillCountOut,
    BackfilledOut,
    TimetableListOut,
    TimetableRunsOut,
    next_runs_out,
    read_backfill,
    read_change,
    read_timetable,
    run_out,
    timetable_out,
    timetable_row_out,
)
from tidegate.domain import limits
from tidegate.domain.audit import Details
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.timetables.timetable import Cron, RunOutcome, Timetable
from tidegate.usecases.timetables import ask, keep, read

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations
_NUMBER = re.compile(r"[0-9]{1,4}")
_DEFAULT_COUNT = 10
_ONE = "/v1/timetables/<timetable_id>"


@router.post("/v1/timetables")
def post_timetable() -> Response[str]:
    """Makes a timetable. Answers 201 with it, or 200 where the idempotency key found an earlier one."""
    refuse_other_parameters(router)
    change, is_paused, fingerprint = read_timetable(body_of(router))
    deps, key = deps_of(router), key_and_dry_run_of(router)[0]
    with audited_act(router, "timetable.create") as record:
        kept = keep.create_timetable(
            deps.services,
            change,
            is_paused=is_paused,
            idempotency_key=key,
            fingerprint=fingerprint,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
        )
        record.change(after={"timetable_id": kept.after.timetable_id, **_details(kept.after)})
    status = HTTPStatus.CREATED if kept.created else HTTPStatus.OK
    return _answer(kept.after.timetable_id, status, f"/v1/timetables/{kept.after.timetable_id}")


@router.get("/v1/timetables")
def list_timetables() -> Response[str]:
    """Returns a page of timetables."""
    refuse_other_parameters(router, "submitted_by", "limit", "cursor")
    deps, cursor = deps_of(router), cursor_of(router)
    submitted_by = router.current_event.query_string_parameters.get("submitted_by")

    def page(limit: int) -> TimetableListOut:
        found = read.list_timetables(
            deps.services, submitted_by=submitted_by, cursor=cursor, limit=limit, now_ms=deps.clock.now_ms()
        )
        return {
            "timetables": [timetable_row_out(view) for view in found.views],
            "cursor": next_cursor(router, found.cursor),
        }

    return page_answer(router, page)


@router.get(_ONE)
def get_timetable(timetable_id: str) -> Response[str]:
    """Returns a timetable with its template."""
    refuse_other_parameters(router)
    return _answer(id_of("timetable", timetable_id, ULID))


@router.patch(_ONE)
def patch_timetable(timetable_id: str) -> Response[str]:
    """Changes a timetable."""
    refuse_other_parameters(router)
    id_of("timetable", timetable_id, ULID)
    change, deps = read_change(body_of(router)), deps_of(router)
    with audited_act(router, "timetable.change", timetable_id) as record:
        kept = keep.change_timetable(
            deps.services, timetable_id, change, caller=caller_of(router), now_ms=deps.clock.now_ms()
        )
        record.change(before=_details(kept.before), after=_details(kept.after))
    return _answer(timetable_id)


@router.delete(_ONE)
def delete_timetable(timetable_id: str) -> Response[str]:
    """Removes a timetable, and answers with it as it was."""
    refuse_other_parameters(router)
    id_of("timetable", timetable_id, ULID)
    read_no_options(body_of(router))
    with audited_act(router, "timetable.remove", timetable_id) as record:
        removed = keep.remove_timetable(deps_of(router).services, timetable_id, caller=caller_of(router))
        record.change(before=_details(removed))
    return _row(removed)


@router.post(f"{_ONE}/pause")
def pause_timetable(timetable_id: str) -> Response[str]:
    """Pauses a timetable."""
    return _set_paused("timetable.pause", timetable_id, keep.pause_timetable)


@router.post(f"{_ONE}/resume")
def resume_timetable(timetable_id: str) -> Response[str]:
    """Resumes a timetable."""
    return _set_paused("timetable.resume", timetable_id, keep.resume_timetable)


def _set_paused(act: str, timetable_id: str, do: Callable[..., keep.Kept]) -> Response[str]:
    refuse_other_parameters(router)
    id_of("timetable", timetable_id, ULID)
    read_no_options(body_of(router))
    deps = deps_of(router)
    with audited_act(router, act, timetable_id) as record:
        kept = do(deps.services, timetable_id, caller=caller_of(router), now_ms=deps.clock.now_ms())
        record.change(before=_paused(kept.before), after=_paused(kept.after))
    return _row(kept.after)


@router.post(f"{_ONE}/run")
def run_timetable(timetable_id: str) -> Response[str]:
    """Runs a timetable once, now. Answers 200 where the idempotency key found an earlier run."""
    refuse_other_parameters(router)
    id_of("timetable", timetable_id, ULID)
    read_no_options(body_of(router))
    deps, key = deps_of(router), key_and_dry_run_of(router)[0]
    with audited_act(router, "timetable.run", timetable_id) as record:
        view, created = ask.run_now(
            deps.services,
            timetable_id,
            idempotency_key=key,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
            until=until_of(router),
            on_accepted=on_accepted_of(router),
        )
        answer = run_out(view)
        record.change(after={"job_id": answer["job_id"], "workflow_id": answer["workflow_id"]})
    return answer_with(HTTPStatus.CREATED if created else HTTPStatus.OK, answer)


@router.post(f"{_ONE}/backfill")
def backfill_timetable(timetable_id: str) -> Response[str]:
    """Submits the scheduled times of a past range that were not submitted."""
    refuse_other_parameters(router)
    id_of("timetable", timetable_id, ULID)
    (from_ms, to_ms), deps = read_backfill(body_of(router)), deps_of(router)
    with audited_act(router, "timetable.backfill", timetable_id) as record:
        done = ask.backfill(
            deps.services,
            timetable_id,
            from_ms,
            to_ms,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms,
            until=until_of(router),
            on_accepted=on_accepted_of(router),
        )
        submitted = sum(view.run.outcome is RunOutcome.SUBMITTED for view in done.runs)
        record.change(
            after={
                "from": to_wire(from_ms),
                "to": to_wire(to_ms),
                "submitted": submitted,
                "refused": len(done.runs) - submitted,
            }
        )
    answer: BackfilledOut = {
        "timetable_id": timetable_id,
        "runs": [run_out(view) for view in done.runs],
        "already": done.already,
        "next_from": to_wire(done.next_ms),
    }
    return answer_with(HTTPStatus.OK, answer)


@router.get(f"{_ONE}/backfill")
def count_backfill(timetable_id: str) -> Response[str]:
    """Counts the scheduled times of a past range."""
    refuse_other_parameters(router, "from", "to")
    id_of("timetable", timetable_id, ULID)
    from_ms, to_ms, deps = moment_of(router, "from"), moment_of(router, "to"), deps_of(router)
    if from_ms is None or to_ms is None:
        raise InvalidRequest.of("to" if to_ms is None else "from", "is required, like 2026-12-01T06:00:00Z")
    found = ask.count_backfill(deps.services, timetable_id, from_ms, to_ms, now_ms=deps.clock.now_ms())
    answer: BackfillCountOut = {
        "timetable_id": timetable_id,
        "count": found.count,
        "more": found.more,
        "submitted": found.submitted,
        "first": to_wire(found.first_ms),
        "last": to_wire(found.last_ms),
    }
    return answer_with(HTTPStatus.OK, answer)


@router.get(f"{_ONE}/next")
def next_times(timetable_id: str) -> Response[str]:
    """Returns the next scheduled times of a timetable."""
    refuse_other_parameters(router, "count")
    id_of("timetable", timetable_id, ULID)
    text = router.current_event.query_string_parameters.get("count", str(_DEFAULT_COUNT))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= limits.MAX_TIMETABLE_TIMES:
        raise InvalidRequest.of("count", f"must be a whole number from 1 to {limits.MAX_TIMETABLE_TIMES}")
    deps = deps_of(router)
    timetable, times = read.next_times(
        deps.services, timetable_id, count=int(text), now_ms=deps.clock.now_ms()
    )
    return answer_with(HTTPStatus.OK, next_runs_out(timetable, times))


@router.get(f"{_ONE}/runs")
def list_runs(timetable_id: str) -> Response[str]:
    """Returns a page of the runs of a timetable, the latest first."""
    refuse_other_parameters(router, "limit", "cursor")
    id_of("timetable", timetable_id, ULID)
    deps, cursor = deps_of(router), cursor_of(router)

    def page(limit: int) -> TimetableRunsOut:
        found = read.list_runs(deps.services, timetable_id, cursor=cursor, limit=limit)
        return {
            "runs": [run_out(view) for view in found.views],
            "cursor": next_cursor(router, found.cursor),
        }

    return page_answer(router, page)


def _answer(
    timetable_id: str, status: HTTPStatus = HTTPStatus.OK, location: str | None = None
) -> Response[str]:
    deps = deps_of(router)
    view, template = read.get_timetable(deps.services, timetable_id, now_ms=deps.clock.now_ms())
    return answer_with(status, timetable_out(view, template), location)


def _row(timetable: Timetable) -> Response[str]:
    deps = deps_of(router)
    (view,) = read.views_of(deps.services, [timetable], deps.clock.now_ms())
    return answer_with(HTTPStatus.OK, timetable_row_out(view))


def _paused(timetable: Timetable | None) -> Details:
    return {} if timetable is None else {"paused": timetable.is_paused, "version": timetable.version}


def _details(timetable: Timetable | None) -> Details:
    """Returns what the audit trail keeps of a timetable: never its template."""
    if timetable is None:
        return {}
    recurs = timetable.recurrence
    named = (
        {"cron": recurs.expression, "zone": recurs.zone}
        if isinstance(recurs, Cron)
        else {"every_seconds": recurs.seconds, "anchor": to_wire(recurs.anchor_ms)}
    )
    return {
        **named,
        "name": timetable.name,
        "kind": timetable.kind,
        "template": timetable.template_id,
        "start": to_wire(timetable.start_ms),
        "end": to_wire(timetable.end_ms),
        "jitter_seconds": timetable.jitter_seconds,
        "missed": timetable.missed,
        "grace_seconds": timetable.grace_seconds,
        "overlap": timetable.overlap,
        "paused": timetable.is_paused,
        "version": timetable.version,
    }


refuse_other_methods(router, "/v1/timetables", "GET", "POST")
refuse_other_methods(router, _ONE, "DELETE", "GET", "PATCH")
for _act, _methods in (
    ("pause", ("POST",)),
    ("resume", ("POST",)),
    ("run", ("POST",)),
    ("backfill", ("GET", "POST")),
    ("next", ("GET",)),
    ("runs", ("GET",)),
):
    refuse_other_methods(router, f"{_ONE}/{_act}", *_methods)
