"""The route that explains why a job is not running."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import JOB_ID, deps_of, id_of, refuse_other_parameters, until_of
from tidegate.contracts.why import why_out
from tidegate.domain.announcements import Announcement
from tidegate.usecases.read.why import explain

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/jobs/<job_id>/why")
def get_why(job_id: str) -> Response[str]:
    """Returns the facts that hold a job or make it late, and the changes that help."""
    refuse_other_parameters(router)
    deps = deps_of(router)
    wanted, now_ms = id_of("job", job_id, JOB_ID), deps.clock.now_ms()
    explained = explain(
        deps.services, wanted, now_ms=now_ms, until=until_of(router), announced=_announcement_of
    )
    return answer_with(HTTPStatus.OK, why_out(explained.job, explained.why))


def _announcement_of(job_type: str) -> Announcement | None:
    """Returns the announcement of a type that only workers have. A type of the deployed code costs no read."""
    deps = deps_of(router)
    return deps.announced(job_type) if deps.describe(job_type) is None else None


refuse_other_methods(router, "/v1/jobs/<job_id>/why", "GET")
