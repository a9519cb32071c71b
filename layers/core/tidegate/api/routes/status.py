"""The route that says whether the deployment works."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import deps_of, refuse_other_parameters
from tidegate.contracts.status import status_out
from tidegate.domain.version import VERSION
from tidegate.usecases.read.deployment import deployment_status

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/status")
def get_status() -> Response[str]:
    """Returns whether the schedules and the readers of the streams are alive. A dead one changes no status code."""
    refuse_other_parameters(router)
    deps = deps_of(router)
    found = deployment_status(deps.services, now_ms=deps.clock.now_ms())
    body = status_out(found.schedules, found.readers, found.paused, healthy=found.is_healthy, version=VERSION)
    return answer_with(HTTPStatus.OK, body)


refuse_other_methods(router, "/v1/status", "GET")
