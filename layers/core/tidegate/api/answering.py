"""Makes the answers that all routes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.api.reading import deps_of, limit_of
from tidegate.contracts.responses import ForeseenOut, JobOut, fits_in_answer, job_out, to_json
from tidegate.domain.job import Job
from tidegate.usecases.submit.would_submit import Foreseen

JSON = "application/json"


def job_view(router: BaseRouter, job: Job) -> JobOut:
    """Returns a job as clients read it now."""
    deps = deps_of(router)
    return job_out(job, deps.services.settings.rank_policy, deps.clock.now_ms())


def foreseen_answer(found: Foreseen) -> Response[str]:
    """Returns the answer to a submission that was only checked."""
    answer: ForeseenOut = {
        "dry_run": True,
        "job_count": sum(found.states.values()),
        "states": {state.value: count for state, count in sorted(found.states.items())},
        "pools": dict(sorted(found.pools.items())),
    }
    return answer_with(HTTPStatus.OK, answer)


def answer_with(status: HTTPStatus, body: Mapping[str, Any], location: str | None = None) -> Response[str]:
    """Returns an answer of JSON."""
    headers: dict[str, str | list[str]] = {"Location": location} if location else {}
    return Response(status, content_type=JSON, body=to_json(body), headers=headers)


def page_answer(router: BaseRouter, read: Callable[[int], Mapping[str, Any]]) -> Response[str]:
    """Returns the page that `read` gives for a limit, a smaller one where it is too large for one answer."""
    limit = limit_of(router)
    answer = answer_with(HTTPStatus.OK, read(limit))
    while limit > 1 and not fits_in_answer(answer.body or ""):
        limit //= 2
        answer = answer_with(HTTPStatus.OK, read(limit))
    return answer
