"""The routes of a pool's shares."""

from __future__ import annotations

import re
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import body_of, deps_of, id_of, refuse_other_parameters
from tidegate.contracts.requests import read_no_options
from tidegate.contracts.shares import ShareOut, read_share, share_out, shares_out
from tidegate.domain import limits
from tidegate.domain.audit import Details
from tidegate.domain.lanes import share_of
from tidegate.ports import KnownLane
from tidegate.usecases.operate import set_shares

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations
_NAME = re.compile(f"[A-Za-z0-9._-]{{1,{limits.MAX_SHARE_CHARACTERS}}}")


@router.get("/v1/pools/<pool>/shares")
def list_shares(pool: str) -> Response[str]:
    """Returns the shares of a pool."""
    refuse_other_parameters(router)
    found = set_shares.list_shares(deps_of(router).services, pool)
    return answer_with(HTTPStatus.OK, shares_out(view for each in found for view in _views(pool, each)))


@router.get("/v1/pools/<pool>/shares/<share>")
def get_share(pool: str, share: str) -> Response[str]:
    """Returns one share of a pool."""
    refuse_other_parameters(router)
    id_of("share", share, _NAME)
    return _answer(pool, set_shares.find_share(deps_of(router).services, pool, share))


@router.put("/v1/pools/<pool>/shares/<share>")
def put_share(pool: str, share: str) -> Response[str]:
    """Makes a share of a pool, or changes its weight and bounds."""
    refuse_other_parameters(router)
    id_of("share", share, _NAME)
    asked, deps = read_share(body_of(router)), deps_of(router)
    with audited_act(router, "share.set", pool, share) as record:
        before, made = set_shares.set_share(
            deps.services,
            pool,
            share,
            weight=asked.weight,
            max_priority=asked.max_priority,
            max_waiting=asked.max_waiting,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
        )
        record.change(before=_details(before), after=_details(made))
    return _answer(pool, made)


@router.delete("/v1/pools/<pool>/shares/<share>")
def delete_share(pool: str, share: str) -> Response[str]:
    """Removes a share of a pool, and answers with the share as it was."""
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    id_of("share", share, _NAME)
    with audited_act(router, "share.remove", pool, share) as record:
        removed = set_shares.remove_share(deps_of(router).services, pool, share, caller=caller_of(router))
        record.change(before=_details(removed))
    return _answer(pool, removed)


def _details(found: KnownLane | None) -> Details:
    """Returns what the audit trail keeps of a share."""
    if found is None:
        return {}
    rule = found.rule
    bounds = {"max_priority": rule.max_priority, "max_waiting": rule.max_waiting} if rule else {}
    return {"weight": found.weight, **bounds}


def _answer(pool: str, found: KnownLane) -> Response[str]:
    (view,) = _views(pool, found)
    return answer_with(HTTPStatus.OK, view)


def _views(pool: str, found: KnownLane) -> list[ShareOut]:
    """Returns the lane as a share, nothing if no operator made it."""
    return [share_out(pool, share_of(found.lane) or "", found.weight, found.rule)] if found.rule else []


refuse_other_methods(router, "/v1/pools/<pool>/shares", "GET")
refuse_other_methods(router, "/v1/pools/<pool>/shares/<share>", "DELETE", "GET", "PUT")
