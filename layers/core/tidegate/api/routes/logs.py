"""The route that reads what an attempt of a job printed."""

from __future__ import annotations

import re
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import JOB_ID, deps_of, id_of, refuse_other_parameters
from tidegate.contracts.logs import log_page_out
from tidegate.contracts.times import ms_from_wire
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.usecases.read import logs

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations
_NUMBER = re.compile(r"[0-9]{1,6}")


@router.get("/v1/jobs/<job_id>/logs")
def get_logs(job_id: str) -> Response[str]:
    """Returns a page of the lines that an attempt of a job printed or logged."""
    refuse_other_parameters(router, "attempt", "from", "limit", "cursor")
    given = router.current_event.query_string_parameters
    violations: list[Violation] = []
    attempt = _number(given.get("attempt"), "attempt", 999_999, violations)
    limit = _number(given.get("limit"), "limit", limits.MAX_LOG_LINES, violations)
    from_ms = _moment(given.get("from"), violations)
    if violations:
        raise InvalidRequest(violations)
    deps = deps_of(router)
    page = logs.read_logs(
        deps.services,
        id_of("job", job_id, JOB_ID),
        attempt=attempt,
        from_ms=from_ms,
        cursor=cursor_of(router),
        limit=limit or limits.DEFAULT_LOG_LINES,
        now_ms=deps.clock.now_ms(),
    )
    body = log_page_out(
        page.job,
        page.attempt,
        page.place,
        page.lines,
        missing=page.missing,
        looked_to_ms=page.looked_to_ms,
        cursor=next_cursor(router, page.cursor),
    )
    return answer_with(HTTPStatus.OK, body)


def _number(text: str | None, name: str, most: int, violations: list[Violation]) -> int | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        violations.append(Violation(name, f"must be a whole number from 1 to {most:,}"))
        return None
    return int(text)


def _moment(text: str | None, violations: list[Violation]) -> int | None:
    try:
        return ms_from_wire(text)
    except ValueError as error:
        violations.append(Violation("from", str(error)))
        return None


refuse_other_methods(router, "/v1/jobs/<job_id>/logs", "GET")
