"""Adds what was meant to a refusal of an unknown name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidegate.domain.errors import Violation
from tidegate_cli.choices import ASKED, did_you_mean
from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem, CliError


@contextmanager
def hints(client: Client, *, pool: str | None = None, job_type: str | None = None) -> Iterator[None]:
    """Within it a refusal of the pool or the type gets the nearest name that the deployment has, at one more call."""
    try:
        yield
    except ApiProblem as problem:
        raise _with_hint(client, problem, pool, job_type) from problem


def _with_hint(client: Client, problem: ApiProblem, pool: str | None, job_type: str | None) -> ApiProblem:
    said = " ".join((problem.detail, *(each.message for each in problem.violations)))
    if ASKED in said.lower():
        return problem
    lists: list[tuple[str | None, Callable[[], list[str]]]] = [
        (pool, lambda: [str(each.get("name")) for each in client.list_pools()]),
        (job_type, lambda: [str(each.get("type")) for each in client.list_types()]),
    ]
    for name, read in lists:
        if name is None or repr(name) not in said:
            continue
        try:
            hint = did_you_mean(name, read())
        except CliError:  # the refusal stands without it
            continue
        if hint:
            violations = [Violation(each.field, f"{each.message}; {hint}") for each in problem.violations]
            return problem.with_text(f"{problem.detail}; {hint}", violations)
    return problem
