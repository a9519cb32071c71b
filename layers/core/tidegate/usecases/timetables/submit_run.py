"""Submits the template of a timetable for one scheduled time, in the name of the timetable's owner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tidegate.domain.callers import Caller, caller_under
from tidegate.domain.errors import IdempotencyConflict
from tidegate.domain.job import Json
from tidegate.domain.keys import IdempotencyKey
from tidegate.domain.requests import JobAccepted, WorkflowAccepted, WorkflowRequest
from tidegate.domain.timetables.placeholders import filled
from tidegate.domain.timetables.timetable import (
    Cause,
    Run,
    RunOutcome,
    Subject,
    SubmissionKind,
    Template,
    TemplateType,
    Timetable,
)
from tidegate.domain.type_facts import TypeFacts
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import OnAccepted, find_under, submit_job, submit_workflow
from tidegate.usecases.timetables.find import body_of
from tidegate.usecases.timetables.values import utc_text, values_at

_LEAST_KEPT_SECONDS = 2 * 86_400  # so that a record outlives the note that may lead to its time again
_MESSAGE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class TypesOfTemplate:
    """The job types of a template, as a registry: the reaper loads no job code.

    Parameters were checked when the timetable was made or changed.
    """

    known: Mapping[str, TemplateType]

    def types(self) -> Sequence[str]:
        """Returns the types, sorted."""
        return sorted(self.known)

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns no fault."""
        del job_type, parameters
        return ()

    def reads_upstreams(self, job_type: str) -> bool:
        """Returns False: nothing that submits asks."""
        del job_type
        return False

    def may_run_twice(self, job_type: str) -> bool | None:
        """Tells whether jobs of the type may run twice, None for another type."""
        facts = self.facts(job_type)
        return None if facts is None else facts.second_attempt

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns the facts that decide how jobs of the type are submitted, None for another type."""
        found = self.known.get(job_type)
        return None if found is None else found.facts

    @property
    def homes(self) -> Mapping[str, str]:
        """Returns the pools of the types that only workers have."""
        return {name: each.home for name, each in self.known.items() if each.home is not None}

    def faults(self) -> Sequence[str]:
        """Returns no fault, because no job code was loaded."""
        return ()


def owner_of(timetable: Timetable) -> Caller:
    """Returns the caller in whose name a timetable submits."""
    return caller_under(timetable.owner)


def key_at(timetable: Timetable, scheduled_ms: int) -> str:
    """Returns the idempotency key of a scheduled time."""
    return f"{timetable.timetable_id}#{utc_text(scheduled_ms)}"


def submit_once(
    services: Services,
    timetable: Timetable,
    template: Template,
    scheduled_ms: int,
    *,
    key: str,
    now_ms: int,
    until: Deadline = NEVER,
    on_accepted: OnAccepted | None = None,
) -> Subject:
    """Submits the template for a scheduled time, unless something was submitted under this idempotency key before.

    Returns what stands under the key. Raises InvalidRequest or ShareFull where the submission is refused now;
    ServiceUnavailable or ServiceRefused.
    """
    if not services.registry.types():
        services = replace(services, registry=TypesOfTemplate(timetable.job_types))
    body = filled(body_of(template), values_at(services.calendar, timetable, scheduled_ms))
    request = services.templates.read(body, str(timetable.kind))
    given: dict[str, Any] = {
        "idempotency_key": key,
        "fingerprint": _fingerprint(body),
        "caller": owner_of(timetable),
        "now_ms": now_ms,
        "until": until,
        "on_accepted": on_accepted,
    }
    try:
        if isinstance(request, WorkflowRequest):
            return _subject(submit_workflow(services, request, **given))
        return _subject(submit_job(services, request, **given))
    except IdempotencyConflict:
        # The template was changed between two tries for the same time. The submission of the first one counts.
        found = submitted_under(services, timetable, template, key)
        if found is None:
            raise
        return found


def submitted_under(services: Services, timetable: Timetable, template: Template, key: str) -> Subject | None:
    """Returns what the timetable has submitted under an idempotency key, None if nothing. Costs at least two reads."""
    namespace = body_of(template).get("namespace")
    scope = namespace if isinstance(namespace, str) else owner_of(timetable).namespace
    found = find_under(services, IdempotencyKey(scope, key))
    return None if found is None else _subject(found)


def run_of(
    services: Services,
    timetable: Timetable,
    scheduled_ms: int,
    outcome: RunOutcome,
    *,
    cause: Cause,
    now_ms: int,
    subject: Subject | None,
    count: int = 1,
    code: str | None = None,
    message: str | None = None,
) -> Run:
    """Makes the record of a run. It is kept as long as an ended job is, and two days at the least."""
    kept_until_s = max(services.settings.expires_at_s(now_ms), now_ms // 1_000 + _LEAST_KEPT_SECONDS)
    return Run(
        timetable_id=timetable.timetable_id,
        scheduled_ms=scheduled_ms,
        cause=cause,
        outcome=outcome,
        recorded_ms=now_ms,
        expires_at_s=kept_until_s,
        count=count,
        subject=subject,
        code=code,
        message=None if message is None else message[:_MESSAGE_CHARACTERS],
    )


def _subject(accepted: JobAccepted | WorkflowAccepted) -> Subject:
    if isinstance(accepted, JobAccepted):
        return Subject(SubmissionKind.JOB, accepted.job_id)
    return Subject(SubmissionKind.WORKFLOW, accepted.workflow_id)


def _fingerprint(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
