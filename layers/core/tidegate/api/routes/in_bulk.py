"""The routes that act on many jobs at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.cursors import next_cursor, read_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import body_of, deps_of, refuse_other_parameters, until_of
from tidegate.contracts.act_requests import (
    ActInBulkIn,
    ReprioritiseIn,
    read_act_in_bulk,
    read_reprioritise,
)
from tidegate.contracts.responses import ActedOut
from tidegate.domain import limits
from tidegate.usecases.recover.in_bulk import Act, Outcome, act_in_bulk

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/jobs/cancel")
def cancel_jobs() -> Response[str]:
    """Cancels the jobs of a page that a filter names."""
    return _act(Act.CANCEL, read_act_in_bulk)


@router.post("/v1/jobs/retry")
def retry_jobs() -> Response[str]:
    """Retries the jobs of a page that a filter names."""
    return _act(Act.RETRY, read_act_in_bulk)


@router.post("/v1/jobs/reprioritise")
def reprioritise_jobs() -> Response[str]:
    """Gives another priority to the jobs of a page that a filter names."""
    return _act(Act.REPRIORITISE, read_reprioritise)


@router.post("/v1/jobs/hold")
def hold_jobs() -> Response[str]:
    """Puts the waiting jobs of a page that a filter names on hold."""
    return _act(Act.HOLD, read_act_in_bulk)


@router.post("/v1/jobs/unhold")
def unhold_jobs() -> Response[str]:
    """Takes the jobs of a page that a filter names off hold."""
    return _act(Act.UNHOLD, read_act_in_bulk)


def _act(act: Act, read: Callable[[str], ActInBulkIn]) -> Response[str]:
    refuse_other_parameters(router)
    asked = read(body_of(router))
    deps, wanted = deps_of(router), asked.filter.as_query()
    bound_to = json.dumps(asked.filter.as_parameters(), sort_keys=True)
    ask = partial(
        act_in_bulk,
        deps.services,
        act,
        wanted,
        caller=caller_of(router),
        now_ms=deps.clock.now_ms(),
        priority=asked.priority if isinstance(asked, ReprioritiseIn) else limits.DEFAULT_PRIORITY,
        cursor=read_cursor(router, asked.cursor, bound_to),
        limit=asked.limit,
        until=until_of(router),
    )
    if asked.dry_run:
        found = ask(dry_run=True)
    else:
        with audited_act(router, f"jobs.{act}", ",".join(wanted.states)) as record:
            found = ask()
            acted_on = [each.job_id for each in found.told if each.outcome is not Outcome.LEFT]
            record.change(after={"acted_on": " ".join(acted_on), "left": len(found.told) - len(acted_on)})
    outcomes = [each.outcome for each in found.told]
    answer: ActedOut = {
        "jobs": [
            {"job_id": each.job_id, "outcome": each.outcome, "state": each.state, "reason": each.why or None}
            for each in found.told
        ],
        "done": outcomes.count(Outcome.DONE),
        "asked": outcomes.count(Outcome.ASKED),
        "left": outcomes.count(Outcome.LEFT),
        "looked_at": found.looked_at,
        "cursor": next_cursor(router, found.cursor, bound_to),
        "dry_run": asked.dry_run,
    }
    return answer_with(HTTPStatus.OK, answer)


for _act_name in Act:
    refuse_other_methods(router, f"/v1/jobs/{_act_name}", "POST")
