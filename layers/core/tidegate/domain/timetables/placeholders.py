"""Puts the scheduled time into the parameters of a timetable's template.

A text among the parameters may hold placeholders: `${scheduled_time}` stands for the scheduled time in UTC (RFC 3339),
`${scheduled_date}` for its date in the timetable's zone. `$${` stands for `${` itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

NAMES = ("scheduled_time", "scheduled_date")
_PLACEHOLDER = re.compile(r"\$(\$\{)|\$\{([^{}$]*)(\})?")
_PARAMETERS = "parameters"
_DEEPEST = 250  # a body nests no more than 200 lists and objects


def unknown_placeholders(template: Mapping[str, Any], field: str) -> Iterator[tuple[str, str]]:
    """Yields the path and the name of each placeholder that is not known or not closed, in a template's parameters.

    `template` is a job or a workflow as a caller sent it, `field` its path in the request.
    """
    for place, job in _jobs(template, field):
        for path, text in _texts(job.get(_PARAMETERS), f"{place}.{_PARAMETERS}"):
            for escaped, name, end in _PLACEHOLDER.findall(text):
                if not escaped and (name not in NAMES or not end):
                    yield path, name


def filled(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Returns the template with the values of `NAMES` in place of the placeholders in its parameters."""

    def value_of(found: re.Match[str]) -> str:
        escaped, name, end = found.groups()
        return "${" if escaped else values[name] if end and name in values else found.group()

    def fill(job: Any) -> Any:
        if not isinstance(job, dict) or _PARAMETERS not in job:
            return job
        return {**job, _PARAMETERS: _changed(job[_PARAMETERS], lambda text: _PLACEHOLDER.sub(value_of, text))}

    jobs = template.get("jobs")
    if isinstance(jobs, list):
        return {**template, "jobs": [fill(job) for job in jobs]}
    job: dict[str, Any] = fill(dict(template))
    return job


def _jobs(template: Mapping[str, Any], field: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    jobs = template.get("jobs")
    if isinstance(jobs, list):
        yield from (
            (f"{field}.jobs[{place}]", job) for place, job in enumerate(jobs) if isinstance(job, dict)
        )
    else:
        yield field, template


def _texts(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, held in value.items():
            yield from _texts(held, f"{path}.{name[:64]}", depth + 1)
    elif isinstance(value, list):
        for place, held in enumerate(value):
            yield from _texts(held, f"{path}[{place}]", depth + 1)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _changed(held, change) for name, held in value.items()}
    if isinstance(value, list):
        return [_changed(held, change) for held in value]
    return value
