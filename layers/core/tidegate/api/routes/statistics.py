"""The route that tells of ended jobs in numbers."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import deps_of, moment_of, refuse_other_parameters
from tidegate.contracts.statistics import statistics_out
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.statistics.asked import By, StatisticsQuery, Step
from tidegate.usecases.statistics.read_statistics import read_statistics

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/stats")
def get_statistics() -> Response[str]:
    """Returns the figures of the jobs that ended in a time."""
    refuse_other_parameters(router, "by", "step", "from", "to", "pool", "type")
    deps = deps_of(router)
    given = router.current_event.query_string_parameters
    query = StatisticsQuery(
        _by(given.get("by", By.POOL.value)),
        moment_of(router, "from"),
        moment_of(router, "to"),
        given.get("pool"),
        given.get("type"),
        _step(given.get("step")),
    )
    found = read_statistics(deps.services, query, now_ms=deps.clock.now_ms())
    return answer_with(HTTPStatus.OK, statistics_out(found, query.by))


def _by(text: str) -> By:
    try:
        return By(text)
    except ValueError as error:
        raise InvalidRequest.of("by", f"must be one of {', '.join(By)}") from error


def _step(text: str | None) -> Step | None:
    if text is None:
        return None
    try:
        return Step(text)
    except ValueError as error:
        raise InvalidRequest.of("step", f"must be one of {', '.join(Step)}") from error


refuse_other_methods(router, "/v1/stats", "GET")
