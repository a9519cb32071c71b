"""The route that reruns a job with what follows it."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, job_view
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import JOB_ID, body_of, deps_of, id_of, refuse_other_parameters, until_of
from tidegate.contracts.act_requests import read_rerun_job
from tidegate.contracts.responses import RerunJobOut
from tidegate.usecases.callers.changed import job_after, job_before
from tidegate.usecases.recover import rerun

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/jobs/<job_id>/rerun")
def rerun_job(job_id: str) -> Response[str]:
    """Reruns an ended job, also one that succeeded, and every job that follows it."""
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router, "cursor")
    options, deps = read_rerun_job(body_of(router)), deps_of(router)
    caller, now_ms = caller_of(router), deps.clock.now_ms()
    ask = partial(
        rerun.rerun_job,
        deps.services,
        job_id,
        caller=caller,
        now_ms=now_ms,
        parameters=options.parameters,
        downstream=options.downstream,
        cursor=cursor_of(router),
        until=until_of(router),
    )
    if options.dry_run:
        job, found = ask(dry_run=True)
    else:
        with audited_act(router, "job.rerun", job_id) as record:
            job, found = ask()
            record.change(before=job_before(job, caller, now_ms), after=job_after(job))
            record.change(after={"rerun_jobs": found.rerun, "complete": found.complete})
    answer: RerunJobOut = {
        **job_view(router, job),
        "rerun": {
            "rerun": found.rerun,
            "left_at_limit": found.left_at_limit,
            "left_active": found.left_active,
            "complete": found.complete,
            "cursor": next_cursor(router, found.cursor),
            "dry_run": options.dry_run,
        },
    }
    return answer_with(HTTPStatus.OK, answer)


refuse_other_methods(router, "/v1/jobs/<job_id>/rerun", "POST")
