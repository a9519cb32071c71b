"""The routes that say who asks and who did what."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, page_answer
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import deps_of, moment_of, refuse_other_parameters
from tidegate.contracts.audit_responses import AuditPageOut, act_out, me_out
from tidegate.contracts.times import to_wire
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.version import VERSION
from tidegate.usecases.callers.search import AuditQuery, list_acts

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/me")
def get_me() -> Response[str]:
    """Returns the caller of this request, and the deployment that answers it."""
    refuse_other_parameters(router)
    stage = router.current_event["requestContext"].get("stage") or ""
    # A variable of the stage, because the function's environment has no room for the name of the stack.
    stack = (router.current_event.raw_event.get("stageVariables") or {}).get("stack")
    grants = deps_of(router).services.grants.load()
    me = me_out(caller_of(router), grants, version=VERSION, stage=stage, stack=stack)
    return answer_with(HTTPStatus.OK, me)


@router.get("/v1/audit")
def list_audit() -> Response[str]:
    """Returns a page of the acts of callers, newest first."""
    refuse_other_parameters(router, "subject", "caller", "from", "to", "limit", "cursor")
    deps = deps_of(router)
    cursor = cursor_of(router)
    query = AuditQuery(_text("subject"), _text("caller"), moment_of(router, "from"), moment_of(router, "to"))

    def read(limit: int) -> AuditPageOut:
        page = list_acts(deps.services, query, cursor=cursor, limit=limit, now_ms=deps.clock.now_ms())
        return {
            "acts": [act_out(act) for act in page.acts],
            "cursor": next_cursor(router, page.cursor),
            "looked_back_to": to_wire(page.looked_back_to_ms),
        }

    return page_answer(router, read)


def _text(name: str) -> str | None:
    """Returns a query parameter, None without it. Raises InvalidRequest."""
    text: str | None = router.current_event.query_string_parameters.get(name)
    if text is not None and not 1 <= len(text.encode()) <= limits.MAX_AUDIT_NAME_BYTES:
        raise InvalidRequest.of(name, f"must have 1 to {limits.MAX_AUDIT_NAME_BYTES} bytes")
    return text


refuse_other_methods(router, "/v1/me", "GET")
refuse_other_methods(router, "/v1/audit", "GET")
