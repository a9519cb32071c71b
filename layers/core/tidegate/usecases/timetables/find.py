"""Finds a timetable, and checks that a caller may act on it."""

from __future__ import annotations

import json
from typing import Any

from tidegate.domain.callers import Caller
from tidegate.domain.errors import NotFound, ServiceUnavailable
from tidegate.domain.timetables.timetable import Template, Timetable
from tidegate.usecases.callers.ownership import refuse_foreign
from tidegate.usecases.services import Services


def find_timetable(services: Services, timetable_id: str) -> Timetable:
    """Returns the timetable by a consistent read. Raises NotFound."""
    found = services.timetables.get(timetable_id)
    if found is None:
        raise NotFound("timetable", timetable_id)
    return found


def find_own(services: Services, timetable_id: str, caller: Caller) -> Timetable:
    """Returns a timetable that the caller may act on. Raises NotFound or NotYours. Costs at most two reads."""
    found = find_timetable(services, timetable_id)
    refuse_foreign(services, caller, f"timetable {timetable_id}", found.owner)
    return found


def template_of(services: Services, timetable: Timetable) -> Template:
    """Returns the template of a timetable as it was just read.

    Raises ServiceUnavailable where a change has replaced the template since.
    """
    found = services.timetables.load_templates([timetable]).get(timetable.timetable_id)
    if found is None:
        raise ServiceUnavailable(
            f"timetable {timetable.timetable_id} was changed at the same time; repeat the call in a moment"
        )
    return found


def body_of(template: Template) -> dict[str, Any]:
    """Returns the job or workflow of a template, as its caller sent it."""
    body: dict[str, Any] = json.loads(template.text)
    return body
