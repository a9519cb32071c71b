"""Amends a workflow: gives it another time to finish by, or takes the time off."""

from __future__ import annotations

from dataclasses import replace

from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, NotFound, ServiceUnavailable
from tidegate.domain.submission import Submission
from tidegate.usecases.bounds.reminders import remind
from tidegate.usecases.callers.ownership import refuse_foreign_workflow
from tidegate.usecases.read.visible import find_workflow
from tidegate.usecases.services import Services
from tidegate.usecases.submit.validate import finish_by_violations

_TRIES = 5  # a refused write means that the reaper has noted a judgement meanwhile, or another caller a time


def amend_workflow(
    services: Services, workflow_id: str, finish_by_ms: int | None, *, caller: Caller, now_ms: int
) -> Submission:
    """Gives a workflow another time to finish by; returns its record after that. Safe to repeat.

    `finish_by_ms` is in milliseconds since the epoch; None takes the time off. Judgements about the earlier time go. No
    job is changed, and in a workflow that has ended the time decides nothing. A call that changes nothing writes
    nothing; another makes two writes. Raises NotFound; NotYours; InvalidRequest for a time that has passed or lies too
    far ahead; ServiceUnavailable, also if the record kept changing meanwhile.
    """
    found = find_workflow(services, workflow_id)
    refuse_foreign_workflow(services, caller, found)
    violations = (
        [] if finish_by_ms is None else list(finish_by_violations(finish_by_ms, None, now_ms, "finish_by"))
    )
    if violations:
        raise InvalidRequest(violations)
    submission: Submission | None = found
    for _ in range(_TRIES):
        if submission is None:
            raise NotFound("workflow", workflow_id)
        if submission.finish_by_ms == finish_by_ms:
            return submission
        remind(services, workflow_id, [finish_by_ms], now_ms)
        if services.submissions.set_finish_by_if(submission, finish_by_ms, ()):
            return replace(submission, finish_by_ms=finish_by_ms, judgements=())
        submission = services.submissions.get(workflow_id)
    raise ServiceUnavailable(
        f"workflow {workflow_id} kept changing while it was amended; send the request again"
    )
