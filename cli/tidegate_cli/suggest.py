"""Adds what was meant to a refusal of an unknown pool or job type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tidegate.domain.errors import Violation
from tidegate_cli.choices import ASKED, did_you_mean
from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem, CliError

_UNKNOWN = re.compile("unknown (?:job )?(type|pool) '([^']{1,64})'")  # as the API says it


@contextmanager
def hints(client: Client) -> Iterator[None]:
    """Within it a refusal of pools or types gets the nearest names that the deployment has, at a call for each kind.

    A refusal that has a hint already stays as it is.
    """
    try:
        yield
    except ApiProblem as problem:
        raise _with_hints(client, problem) from problem


def _with_hints(client: Client, problem: ApiProblem) -> ApiProblem:
    said = " ".join((problem.detail, *(each.message for each in problem.violations)))
    kinds = {match[1] for match in _UNKNOWN.finditer(said)}
    if not kinds or ASKED in said.lower():
        return problem
    try:
        known = {kind: _names(client, kind) for kind in kinds}
    except CliError:  # the refusal stands without them
        return problem
    violations = [Violation(each.field, _hinted(each.message, known)) for each in problem.violations]
    return problem.with_text(_hinted(problem.detail, known), violations)


def _names(client: Client, kind: str) -> list[str]:
    if kind == "pool":
        return [str(each.get("name")) for each in client.list_pools()]
    return [str(each.get("type")) for each in client.list_types()]


def _hinted(message: str, known: dict[str, list[str]]) -> str:
    match = _UNKNOWN.search(message)
    hint = did_you_mean(match[2], known[match[1]]) if match else ""
    return f"{message}; {hint}" if hint else message
