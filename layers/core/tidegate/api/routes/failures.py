"""The routes of failures, grouped by their cause."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import body_of, deps_of, id_of, refuse_other_parameters, until_of
from tidegate.contracts.failures import PARAMETERS, failures_out, mute_out, read_failure_query
from tidegate.contracts.requests import read_no_options
from tidegate.domain.failures import FINGERPRINT
from tidegate.domain.rules import DispatchRules
from tidegate.usecases.operate import set_rules
from tidegate.usecases.read.failures import list_failures

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/failures")
def get_failures() -> Response[str]:
    """Returns the groups of a page of failed jobs."""
    refuse_other_parameters(router, *PARAMETERS)
    query, with_muted = read_failure_query(router.current_event.query_string_parameters)
    deps = deps_of(router)
    page = list_failures(
        deps.services,
        query,
        cursor=cursor_of(router),
        with_muted=with_muted,
        now_ms=deps.clock.now_ms(),
        until=until_of(router),
    )
    answer = failures_out(
        page.groups,
        page.rules,
        left_out=page.left_out,
        from_ms=page.from_ms,
        to_ms=page.to_ms,
        looked_at=page.looked_at,
        looked_back_to_ms=page.looked_back_to_ms,
        cursor=next_cursor(router, page.cursor),
    )
    return answer_with(HTTPStatus.OK, answer)


@router.post("/v1/failures/<fingerprint>/mute")
def mute(fingerprint: str) -> Response[str]:
    """Mutes a failure group: listings leave it out."""
    return _set("failure.mute", set_rules.mute_failures, fingerprint)


@router.post("/v1/failures/<fingerprint>/unmute")
def unmute(fingerprint: str) -> Response[str]:
    """Unmutes a failure group: listings show it again."""
    return _set("failure.unmute", set_rules.unmute_failures, fingerprint)


def _set(act: str, change: Callable[..., DispatchRules], fingerprint: str) -> Response[str]:
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    id_of("failure group", fingerprint, FINGERPRINT)
    deps = deps_of(router)
    with audited_act(router, act, fingerprint) as record:
        standing = deps.services.rules.load()
        rules = change(deps.services, fingerprint, caller=caller_of(router), now_ms=deps.clock.now_ms())
        record.change(
            before={"muted": fingerprint in standing.muted_failures},
            after={"muted": fingerprint in rules.muted_failures},
        )
    return answer_with(HTTPStatus.OK, mute_out(fingerprint, rules))


refuse_other_methods(router, "/v1/failures", "GET")
refuse_other_methods(router, "/v1/failures/<fingerprint>/mute", "POST")
refuse_other_methods(router, "/v1/failures/<fingerprint>/unmute", "POST")
