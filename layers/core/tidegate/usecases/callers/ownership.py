"""Checks that a caller acts only on submissions of its own namespace, unless it is an operator.

The submission's record says whose it is: the caller that submitted it, and the shared namespace if it named one. Jobs
that an older release submitted name nobody, so every client may act on them.

Acts on one's own submissions cost no read. For others the grants are read, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from tidegate.domain.callers import Caller, caller_under, namespace_of
from tidegate.domain.errors import InvalidRequest, NotYours
from tidegate.domain.job import Job
from tidegate.domain.roles import Role
from tidegate.domain.submission import Submission
from tidegate.usecases.services import Services


def refuse_foreign_jobs(services: Services, caller: Caller, jobs: Iterable[Job]) -> None:
    """Raises NotYours if one of the jobs belongs to another namespace and the caller is no operator.

    Costs at most one read.
    """
    refused = foreign_among(services, caller, jobs)
    if refused:
        raise NotYours(f"job {refused[0].job_id}", _owner(refused[0].submitted_by), caller.namespace)


def foreign_among(services: Services, caller: Caller, jobs: Iterable[Job]) -> list[Job]:
    """Returns those of the jobs that the caller may not act on, in their order. Costs at most one read."""
    foreign = [job for job in jobs if not _is_own(caller, job.submitted_by)]
    if not foreign:
        return []
    grants = services.grants.load()
    if grants.role_of(caller) is Role.OPERATOR:
        return []
    return [job for job in foreign if job.namespace is None or not grants.allow(caller, job.namespace)]


def refuse_foreign_workflow(services: Services, caller: Caller, submission: Submission) -> None:
    """Raises NotYours if the workflow belongs to another namespace and the caller is no operator.

    Costs at most one read.
    """
    if _is_own(caller, submission.submitted_by):
        return
    grants = services.grants.load()
    if grants.role_of(caller) is Role.OPERATOR:
        return
    if submission.namespace is None or not grants.allow(caller, submission.namespace):
        what = f"workflow {submission.submission_id}"
        raise NotYours(what, _owner(submission.submitted_by), caller.namespace)


def refuse_foreign(services: Services, caller: Caller, what: str, owner: str | None) -> None:
    """Raises NotYours if `what` belongs to another namespace than the caller's, and the caller is no operator.

    `owner` is the subject of the caller that it belongs to, None if nobody is known. Costs at most one read.
    """
    if _is_own(caller, owner) or services.grants.load().role_of(caller) is Role.OPERATOR:
        return
    raise NotYours(what, _owner(owner), caller.namespace)


def refuse_namespace(services: Services, caller: Caller, namespace: str) -> None:
    """Raises InvalidRequest if an operator has not granted the caller this shared namespace. Costs one read."""
    if not services.grants.load().allow(caller, namespace):
        raise InvalidRequest.of(
            "namespace",
            f"{namespace!r} is not granted to you; leave it out to use your own, or ask an operator: "
            f"tidegate grants set {quote(caller.namespace)} --namespace {quote(namespace)}",
        )


def _is_own(caller: Caller, submitted_by: str | None) -> bool:
    return submitted_by is None or namespace_of(submitted_by) == caller.namespace


def _owner(submitted_by: str | None) -> str:
    return caller_under(submitted_by).display
