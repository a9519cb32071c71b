"""Makes, changes, pauses, resumes and removes timetables.

The note of when a timetable is due is left before the timetable is written, so that no timetable is without one. Notes
of earlier versions lead the reaper to the timetable, which decides, and then go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from tidegate.domain import limits
from tidegate.domain.callers import Caller, namespace_of
from tidegate.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    NotFound,
    ServiceUnavailable,
    ShareFull,
    Violation,
)
from tidegate.domain.keys import IdempotencyKey
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.suggestions import did_you_mean
from tidegate.domain.timetables.asked import AskedTemplate, TimetableChange, recurrence_from
from tidegate.domain.timetables.placeholders import NAMES, filled, unknown_placeholders
from tidegate.domain.timetables.timetable import Cron, Recurrence, Template, TemplateType, Timetable
from tidegate.domain.type_facts import TypeFacts
from tidegate.usecases.services import Services
from tidegate.usecases.submit.would_submit import would_submit_job, would_submit_workflow
from tidegate.usecases.timetables.find import body_of, find_own
from tidegate.usecases.timetables.submit_run import owner_of
from tidegate.usecases.timetables.times import following, next_note
from tidegate.usecases.timetables.values import values_at

_TRIES = 5  # a refused write means that another caller changed the timetable meanwhile
_COMPARED = 20  # times whose distances bound the jitter
_COUNTED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """A timetable after an act, and as it was before; None if the act made it. `created` says that this call did."""

    after: Timetable
    before: Timetable | None = None
    created: bool = False


def create_timetable(
    services: Services,
    change: TimetableChange,
    *,
    is_paused: bool,
    idempotency_key: str | None,
    fingerprint: str,
    caller: Caller,
    now_ms: int,
) -> Kept:
    """Makes a timetable. With an idempotency key, the same request again gives the same timetable.

    Raises InvalidRequest, with nothing written, also where there are as many timetables as may be; IdempotencyConflict
    if the key was used before with another body. The number is checked before the write, so calls at the same moment
    may exceed it by as many. Costs a query of all timetables and four writes, one of them as large as the template.
    """
    template = change.template
    if template is None:
        raise InvalidRequest.of("job", "is required, unless workflow is given")
    key = None if idempotency_key is None else IdempotencyKey(caller.namespace, idempotency_key)
    timetable_id = key.submission_id("timetable") if key else services.entropy.new_ulid(now_ms)
    if key is not None:
        standing = services.timetables.get(timetable_id)
        if standing is not None:
            return _same(standing, fingerprint)
    made = Timetable(
        timetable_id=timetable_id,
        version=1,
        owner=caller.subject or None,
        recurrence=recurrence_from(change.recurrence, None, now_ms),
        kind=template.kind,
        template_id=services.entropy.new_ulid(now_ms),
        job_types={},
        from_ms=now_ms,
        created_at_ms=now_ms,
        changed_at_ms=now_ms,
        changed_by=caller.subject or None,
        fingerprint=fingerprint,
        is_paused=is_paused,
        **change.plain(),
    )
    made = _checked(services, made, template, caller, now_ms)
    _refuse_too_many(services, caller)
    services.timetables.save_template(made.timetable_id, _stored(made.template_id, template))
    _note(services, made, now_ms)
    found = services.timetables.insert_if_absent(made)
    if found is not None:
        services.timetables.drop_template(made.timetable_id, made.template_id)
        return _same(found, fingerprint)
    return Kept(made, created=True)


def _same(standing: Timetable, fingerprint: str) -> Kept:
    if standing.fingerprint != fingerprint:
        raise IdempotencyConflict
    return Kept(standing)


def change_timetable(
    services: Services, timetable_id: str, change: TimetableChange, *, caller: Caller, now_ms: int
) -> Kept:
    """Changes a timetable. A new recurrence, start or namespace counts from now; any change passes over missed times.

    Raises NotFound, NotYours or InvalidRequest, with nothing written; ServiceUnavailable if too many other changes came
    between.
    """
    for _ in range(_TRIES):
        standing = find_own(services, timetable_id, caller)
        recurrence = recurrence_from(change.recurrence, standing.recurrence, now_ms)
        plain: dict[str, Any] = {"from_ms": _passed_over_ms(standing, now_ms), **change.plain()}
        template = change.template
        if (
            recurrence != standing.recurrence
            or plain.get("start_ms", standing.start_ms) != standing.start_ms
            or (template is not None and _changes_namespace(services, standing, template))
        ):
            plain["from_ms"] = now_ms
        changed = _next_version(standing, caller, now_ms, recurrence=recurrence, **plain)
        if template is not None:
            changed = replace(changed, kind=template.kind, template_id=services.entropy.new_ulid(now_ms))
        changed = _checked(services, changed, template, caller, now_ms, standing)
        if template is not None:
            services.timetables.save_template(timetable_id, _stored(changed.template_id, template))
        if _written(services, standing, changed, now_ms):
            if template is not None:
                services.timetables.drop_template(timetable_id, standing.template_id)
            return Kept(changed, standing)
        if template is not None:
            services.timetables.drop_template(timetable_id, changed.template_id)
    raise _too_many_changes(timetable_id)


def _changes_namespace(services: Services, standing: Timetable, template: AskedTemplate) -> bool:
    """Tells whether a new template names another namespace, to which the idempotency keys of runs belong.

    A time that a reaper submitted and could not record would be submitted again under the key of the other namespace.
    """
    found = services.timetables.load_templates([standing]).get(standing.timetable_id)
    return found is None or body_of(found).get("namespace") != template.body.get("namespace")


def pause_timetable(services: Services, timetable_id: str, *, caller: Caller, now_ms: int) -> Kept:
    """Pauses a timetable; safe to repeat. Raises NotFound, NotYours or ServiceUnavailable."""
    return _set_paused(services, timetable_id, caller, now_ms, is_paused=True)


def resume_timetable(services: Services, timetable_id: str, *, caller: Caller, now_ms: int) -> Kept:
    """Lets a paused timetable run again, from now on: the times during the pause are passed over. Safe to repeat.

    Raises NotFound, NotYours or ServiceUnavailable.
    """
    return _set_paused(services, timetable_id, caller, now_ms, is_paused=False)


def _set_paused(
    services: Services, timetable_id: str, caller: Caller, now_ms: int, *, is_paused: bool
) -> Kept:
    for _ in range(_TRIES):
        standing = find_own(services, timetable_id, caller)
        if standing.is_paused == is_paused:
            return Kept(standing, standing)
        from_ms = _passed_over_ms(standing, now_ms) if is_paused else now_ms
        changed = _next_version(standing, caller, now_ms, is_paused=is_paused, from_ms=from_ms)
        if _written(services, standing, changed, now_ms):
            return Kept(changed, standing)
    raise _too_many_changes(timetable_id)


def remove_timetable(services: Services, timetable_id: str, *, caller: Caller) -> Timetable:
    """Removes a timetable; returns it as it was. The jobs that it submitted stay, and its runs until they expire.

    Raises NotFound, NotYours or ServiceUnavailable.
    """
    for _ in range(_TRIES):
        try:
            standing = find_own(services, timetable_id, caller)
        except NotFound:
            # An earlier try may have removed the timetable and died before its templates.
            services.timetables.drop_templates(timetable_id)
            raise
        if services.timetables.remove_if_unchanged(standing):
            services.timetables.drop_templates(timetable_id)
            return standing
    raise _too_many_changes(timetable_id)


def _passed_over_ms(standing: Timetable, now_ms: int) -> int:
    """Returns the time up to which a changed timetable passes over its times: those that would be missed by now.

    Records of runs expire, so nothing else tells for good how far the timetable had come.
    """
    return max(standing.from_ms, now_ms - (standing.grace_seconds + standing.jitter_seconds) * 1_000)


def _next_version(standing: Timetable, caller: Caller, now_ms: int, **changed: Any) -> Timetable:
    by = caller.subject or None
    return replace(standing, version=standing.version + 1, changed_at_ms=now_ms, changed_by=by, **changed)


def _written(services: Services, standing: Timetable, changed: Timetable, now_ms: int) -> bool:
    """Leaves the note of a changed timetable, then writes the timetable unless another change came first."""
    del standing  # its version is in the condition
    _note(services, changed, now_ms)
    return services.timetables.replace_if_unchanged(changed)


def _note(services: Services, timetable: Timetable, now_ms: int) -> None:
    # The runs say how far the timetable has come. A note that says less does no harm.
    note = next_note(services.calendar, timetable, timetable.begins_after(), now_ms)
    if note is not None:
        services.timetables.note_due([replace(note, reached_ms=0)])


def _too_many_changes(timetable_id: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"changing timetable {timetable_id} met too many other changes; repeat it in a moment"
    )


def _refuse_too_many(services: Services, caller: Caller) -> None:
    count = own = 0
    after: str | None = None
    for _ in range(limits.MAX_TIMETABLES // _COUNTED_AT_ONCE + 1):
        page = services.timetables.page(limit=_COUNTED_AT_ONCE, after=after)
        count += len(page.timetables)
        # By the namespace: a caller chooses the name of its session, and would begin a new count with each.
        own += sum(namespace_of(each.owner or "") == caller.namespace for each in page.timetables)
        after = page.next
        if after is None:
            break
    if count >= limits.MAX_TIMETABLES:
        raise InvalidRequest.of(
            "name",
            f"would be one timetable too many: there are {limits.MAX_TIMETABLES:,}; remove another first",
        )
    if own >= limits.MAX_TIMETABLES_PER_CALLER:
        raise InvalidRequest.of(
            "name",
            f"would be one timetable too many: you have {limits.MAX_TIMETABLES_PER_CALLER}; remove another first",
        )


def _stored(template_id: str, template: AskedTemplate) -> Template:
    return Template(template_id, json.dumps(template.body, separators=(",", ":"), ensure_ascii=False))


def _checked(
    services: Services,
    timetable: Timetable,
    template: AskedTemplate | None,
    caller: Caller,
    now_ms: int,
    standing: Timetable | None = None,
) -> Timetable:
    """Returns the timetable with the types of its template. Raises InvalidRequest where it breaks a rule.

    Times that a change leaves as they are in `standing` may be over: a timetable that has ended can get another name.
    """
    if standing is None or _times_of(timetable) != _times_of(standing):
        _check_recurrence(services, timetable.recurrence, now_ms)
        _check_times(services, timetable, now_ms)
    if template is None:
        return timetable
    return replace(timetable, job_types=_checked_types(services, timetable, template, caller, now_ms))


def _times_of(timetable: Timetable) -> tuple[object, ...]:
    return timetable.recurrence, timetable.start_ms, timetable.end_ms, timetable.jitter_seconds


def _check_recurrence(services: Services, recurrence: Recurrence, now_ms: int) -> None:
    if isinstance(recurrence, Cron):
        services.calendar.check(recurrence)
    elif abs(recurrence.anchor_ms - now_ms) > limits.MAX_BACKFILL_SECONDS * 1_000:
        raise InvalidRequest.of(
            "anchor", "lies more than ten years away; name a nearer time of the same series"
        )


def _check_times(services: Services, timetable: Timetable, now_ms: int) -> None:
    start_ms, end_ms = timetable.start_ms, timetable.end_ms
    if start_ms is not None and start_ms > now_ms + limits.MAX_TIMETABLE_AHEAD_SECONDS * 1_000:
        raise InvalidRequest.of("start", "lies more than 366 days ahead")
    if end_ms is not None and end_ms <= max(now_ms, start_ms or 0):
        raise InvalidRequest.of("end", "must be after start, and still to come")
    times = following(services.calendar, replace(timetable, is_paused=False), now_ms, limit=_COMPARED)
    if not times:
        field = "cron" if isinstance(timetable.recurrence, Cron) else "every_seconds"
        raise InvalidRequest.of(field, "has no time between start and end")
    gaps_ms = [later - earlier for earlier, later in pairwise(times)]
    if gaps_ms and timetable.jitter_seconds * 1_000 >= min(gaps_ms):
        raise InvalidRequest.of(
            "jitter_seconds",
            f"must be less than the time between two runs, which is {min(gaps_ms) // 1_000} s at the least",
        )


def _checked_types(
    services: Services, timetable: Timetable, template: AskedTemplate, caller: Caller, now_ms: int
) -> Mapping[str, TemplateType]:
    """Returns the types of a template.

    The template is checked as the submission of its next time will be: with the rights of the owner, also where an
    operator changes it.
    """
    if (caller.subject or None) != timetable.owner:
        caller = owner_of(timetable)
    field = str(template.kind)
    size_bytes = len(_stored("", template).text.encode())
    if size_bytes > limits.MAX_TIMETABLE_TEMPLATE_BYTES:
        raise InvalidRequest.of(
            field,
            f"takes {size_bytes:,} bytes; at most {limits.MAX_TIMETABLE_TEMPLATE_BYTES:,} are allowed: "
            "store large input elsewhere and pass its address",
        )
    unknown = [
        Violation(
            path,
            f"has the placeholder ${{{name[:64]}}}, which is not known; known are "
            f"{' and '.join(f'${{{each}}}' for each in NAMES)}, and $${{ stands for ${{{did_you_mean(name, NAMES)}",
        )
        for path, name in unknown_placeholders(template.body, field)
    ]
    if unknown:
        raise InvalidRequest(unknown[:50])
    body = filled(template.body, values_at(services.calendar, timetable, now_ms))
    request = services.templates.read(body, field)
    _refuse_moments(request, field)
    try:
        if isinstance(request, WorkflowRequest):
            would_submit_workflow(services, request, caller, now_ms)
        else:
            would_submit_job(services, request, caller, now_ms)
    except InvalidRequest as error:
        raise InvalidRequest(
            [replace(each, field=f"{field}.{each.field}") for each in error.violations]
        ) from error
    except ShareFull:
        pass  # the share may have room when the time comes
    jobs = request.jobs if isinstance(request, WorkflowRequest) else (request,)
    known = {job.type: services.registry.facts(job.type) or TypeFacts() for job in jobs}
    homes = services.registry.homes
    return {name: TemplateType(facts, homes.get(name)) for name, facts in known.items()}


def _refuse_moments(request: JobRequest | WorkflowRequest, field: str) -> None:
    """Raises InvalidRequest for a moment in a template, because it would be the same one in every run."""
    jobs = (
        [(f"{field}.jobs[{place}]", job) for place, job in enumerate(request.jobs)]
        if isinstance(request, WorkflowRequest)
        else [(field, request)]
    )
    named = [(f"{place}.not_before", job.not_before_ms) for place, job in jobs]
    named += [(f"{place}.finish_by", job.finish_by_ms) for place, job in jobs]
    if isinstance(request, WorkflowRequest):
        named.append((f"{field}.finish_by", request.finish_by_ms))
    violations = [
        Violation(place, "is a fixed moment, which would be the same in every run; leave it out")
        for place, at_ms in named
        if at_ms is not None
    ]
    if violations:
        raise InvalidRequest(violations[:50])
