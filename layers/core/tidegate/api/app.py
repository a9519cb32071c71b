"""The HTTP API. Each route parses the request, calls one use case, and answers."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.api.access import refusal_by_access
from tidegate.api.caller import CALLERS, WITH_TOKENS
from tidegate.api.conditional import answer_conditionally
from tidegate.api.errors import answer_errors
from tidegate.api.routes import (
    amend,
    audit,
    cost,
    failures,
    forecast,
    grants,
    hold,
    in_bulk,
    jobs,
    logs,
    operator,
    outside,
    progress,
    recovery,
    relations,
    rerun,
    shares,
    statistics,
    status,
    timetables,
    webhooks,
    why,
    workers,
    workflows,
)
from tidegate.entry.log_level import keep_log_level
from tidegate.entry.usage import log_usage
from tidegate.usecases.bounds.deadline import NEVER, Deadline

# Time of the function's 29 s to end the present call, and to answer 503 before the gateway does.
_RESERVE_SECONDS = 5.0
# Time for a portion that began just before the deadline, for judging the jobs that it reopened, and for the answer.
# Only requests for thousands of jobs reach the deadline.
_PORTION_RESERVE_SECONDS = 14.0
logger = Logger()
keep_log_level(logger)  # with every metric, Lambda lets INFO through
app = APIGatewayRestResolver()
app.include_router(in_bulk.router)
app.include_router(jobs.router)
app.include_router(progress.router)
app.include_router(amend.router)
app.include_router(hold.router)
app.include_router(outside.router)
app.include_router(workflows.router)
app.include_router(workers.router)
app.include_router(operator.router)
app.include_router(recovery.router)
app.include_router(relations.router)
app.include_router(rerun.router)
app.include_router(failures.router)
app.include_router(grants.router)
app.include_router(audit.router)
app.include_router(why.router)
app.include_router(forecast.router)
app.include_router(cost.router)
app.include_router(logs.router)
app.include_router(shares.router)
app.include_router(status.router)
app.include_router(statistics.router)
app.include_router(webhooks.router)
app.include_router(timetables.router)
answer_errors(app)
answer_conditionally(app)


def handle(
    event: dict[str, Any], deps: bootstrap.ApiDeps, context: LambdaContext, until: Deadline = NEVER
) -> dict[str, Any]:
    """Answers one REST API proxy event. Work in portions stops at `until`."""
    before = deps.meter.snapshot()
    # A route that accepts a submission adds its id, which the next request must not have.
    api_request_id = (event.get("requestContext") or {}).get("requestId")
    logger.append_keys(api_request_id=api_request_id, job_id=None, workflow_id=None)
    app.context["deps"] = deps  # the resolver clears its context after each event
    app.context["until"] = until
    try:
        # Asked here, so that calls with signatures, which IAM has judged already, go no longer way.
        with_token = (event.get("stageVariables") or {}).get(CALLERS) == WITH_TOKENS
        refused = refusal_by_access(event, deps) if with_token else None
        return refused or app.resolve(event, context)
    finally:
        log_usage(deps.meter, since=before)


def answer_in_time(event: dict[str, Any], deps: bootstrap.ApiDeps, context: LambdaContext) -> dict[str, Any]:
    """Answers one REST API proxy event within the time that the function has left."""
    left_seconds = context.get_remaining_time_in_millis() / 1_000
    portions_ms = int((left_seconds - _PORTION_RESERVE_SECONDS) * 1_000)
    until = Deadline(deps.stopwatch, deps.stopwatch.now_ms() + portions_ms)
    with deps.allowance.of(left_seconds - _RESERVE_SECONDS):
        return handle(event, deps, context, until)
