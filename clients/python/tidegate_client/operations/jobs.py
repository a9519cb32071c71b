"""The routes of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from tidegate_client.errors import UnexpectedAnswer
from tidegate_client.models.base import page_reader, reader
from tidegate_client.models.bulk import Foreseen
from tidegate_client.models.costs import JobCost
from tidegate_client.models.forecasts import JobForecast
from tidegate_client.models.jobs import Chain, DownstreamJob, Job, LogPage, UpstreamJob, Why
from tidegate_client.wire import Json, Listing, Operation, key_or_new, request

Moment = datetime | str
"""A time: an aware datetime, or RFC 3339 text with a zone."""


class Kept(Enum):
    """Stands for a value that a change keeps."""

    KEPT = "kept"


KEPT = Kept.KEPT
EndByHand = Literal["SUCCEEDED", "SKIPPED"]
"""A state in which a job can be ended by hand."""
Way = Literal["up", "down", "both"]
"""The direction of a chain: the jobs before a job, those after it, or both."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that the API accepted.

    `id` is the id of the job or of the workflow. `job_ids` has a workflow's job ids by key. A later call with
    `idempotency_key` and the same body returns the same submission.
    """

    id: str
    idempotency_key: str
    job_ids: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def submit_job(body: Mapping[str, Any], *, idempotency_key: str | None = None) -> Operation[Accepted]:
    """Submits one job, `body` as `POST /v1/jobs` takes it.

    Without an idempotency key the client makes a new one, so that its own retries never submit twice. Raises
    InvalidRequest, which names each wrong field, and IdempotencyConflict.
    """
    key = key_or_new(idempotency_key)
    sent = request("POST", "/v1/jobs", body=body, idempotency_key=key)
    return Operation(sent, lambda answer: accepted(answer, "job_id", key))


def foresee_job(body: Mapping[str, Any]) -> Operation[Foreseen]:
    """Returns what `submit_job` would create, and creates nothing. Raises InvalidRequest."""
    return Operation(request("POST", "/v1/jobs", body=body, dry_run=True), reader(Foreseen))


def list_jobs(
    *,
    state: str | None = None,
    pool: str | None = None,
    type: str | None = None,  # noqa: A002 - the name of the query parameter
    workflow: str | None = None,
    id: str | None = None,  # noqa: A002 - the name of the query parameter
    worker: str | None = None,
    tag: Sequence[str] = (),
    name: str | None = None,
    key: str | None = None,
    error: str | None = None,
    failure: str | None = None,
    submitted_by: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    finish_by: Moment | None = None,
    verdict: str | None = None,
    overdue: bool | None = None,
    straggler: bool | None = None,
    waits_longer_than: float | None = None,
    order: Literal["priority", "time"] | None = None,
    direction: Literal["asc", "desc"] | None = None,
    fields: Literal["slim", "full"] | None = None,
    page_size: int | None = None,
) -> Listing[Job]:
    """Lists jobs by filters that combine.

    `state` is a state or "ALL", `failure` is the fingerprint of a failure group, `tag` has texts like `team=data`,
    `since` counts and `until` does not, `finish_by` keeps the jobs that ought to end by then or earlier,
    `verdict` those of whose time this is known (`at-risk`, for one), `straggler` the RUNNING jobs that run longer than
    99 % of their type did, `waits_longer_than` is in seconds, and
    `page_size` is at most 200.
    docs/reference/queries.md says what each filter costs.
    """
    sent = request(
        "GET", "/v1/jobs",
        state=state, pool=pool, type=type, workflow=workflow, id=id, worker=worker, tag=tag, name=name, key=key,
        error=error, failure=failure, submitted_by=submitted_by, from_=moment(since), to=moment(until),
        finish_by=moment(finish_by), verdict=verdict, overdue=overdue, straggler=straggler,
        waits_longer_than=waits_longer_than, order=order, direction=direction, fields=fields,
        limit=page_size,
    )  # fmt: skip
    return Listing(sent, page_reader(Job, "jobs"))


def get_job(
    job_id: str, *, fields: Literal["slim", "full"] | None = None, wait: int | None = None
) -> Operation[Job]:
    """Reads one job, with its parameters and its result unless `fields` is "slim". Raises NotFound.

    With `wait` (0-20 seconds) the answer may wait for the job's end. It comes at once where the job has ended, and
    where the deployment lets no further call wait.
    """
    return Operation(request("GET", "/v1/jobs/{}", job_id, fields=fields, wait=wait), reader(Job))


def why(job_id: str) -> Operation[Why]:
    """Reads why a job is not running: the facts that hold it, and the changes that start it. Raises NotFound."""
    return Operation(request("GET", "/v1/jobs/{}/why", job_id), reader(Why))


def forecast_job(job_id: str) -> Operation[JobForecast]:
    """Reads when a job is forecast to start and to end. Raises NotFound."""
    return Operation(request("GET", "/v1/jobs/{}/forecast", job_id), reader(JobForecast))


def get_job_cost(job_id: str) -> Operation[JobCost]:
    """Reads what a job cost until now, in units and dollars. Raises NotFound."""
    return Operation(request("GET", "/v1/jobs/{}/cost", job_id), reader(JobCost))


def change_job(
    job_id: str,
    *,
    priority: int | Kept = KEPT,
    not_before: Moment | Kept | None = KEPT,
    finish_by: Moment | Kept | None = KEPT,
    pool: str | Kept = KEPT,
    description: str | Kept | None = KEPT,
    tags: Mapping[str, str] | Kept = KEPT,
) -> Operation[Job]:
    """Changes a job that waits, and returns the job after that.

    A value that is not given stays. None takes a time or a description off. A second call has no further effect.
    Raises NotFound, Conflict if the job does not wait, and InvalidRequest.
    """
    begin = not_before if isinstance(not_before, Kept) else moment(not_before)
    end = finish_by if isinstance(finish_by, Kept) else moment(finish_by)
    given = {
        "priority": priority, "not_before": begin, "finish_by": end, "pool": pool, "description": description,
        "tags": tags,
    }  # fmt: skip
    body = {name: value for name, value in given.items() if not isinstance(value, Kept)}
    return Operation(request("PATCH", "/v1/jobs/{}", job_id, body=body), reader(Job))


def hold_job(job_id: str) -> Operation[Job]:
    """Puts a waiting job on hold, so that it does not start, and returns the job after that.

    A second call has no further effect. Raises NotFound, and Conflict if the job does not wait.
    """
    return Operation(request("POST", "/v1/jobs/{}/hold", job_id), reader(Job))


def unhold_job(job_id: str) -> Operation[Job]:
    """Takes a job off hold, and returns the job after that. A second call has no further effect. Raises NotFound."""
    return Operation(request("POST", "/v1/jobs/{}/unhold", job_id), reader(Job))


def mark_job(job_id: str, *, state: EndByHand, reason: str) -> Operation[Job]:
    """Ends a job by hand that waits or that ended without success, and returns the job after that.

    The job's history keeps `reason`. The job's `reopening` has the counts of the jobs that were reopened because they
    had been skipped. A second call has no further effect. Raises NotFound, and Conflict if the job can't be marked.
    """
    body = {"state": state, "reason": reason}
    return Operation(request("POST", "/v1/jobs/{}/mark", job_id, body=body), reader(Job))


def cancel_job(job_id: str, *, downstream: bool = False, dry_run: bool = False) -> Operation[Job]:
    """Cancels a job, or asks its worker to stop it if it runs, and returns the job after that.

    `downstream` cancels every job downstream of it too. `dry_run` changes nothing. A second call has no further effect.
    Raises NotFound, and Conflict if the job has ended.
    """
    body = set_options(downstream=downstream, dry_run=dry_run)
    return Operation(request("POST", "/v1/jobs/{}/cancel", job_id, body=body), reader(Job))


def retry_job(job_id: str, *, reopen_skipped: bool = True, dry_run: bool = False) -> Operation[Job]:
    """Reopens a job that ended without success, and returns the job after that.

    `reopen_skipped` also reopens the jobs that were skipped because of it. `dry_run` changes nothing. A second call has
    no further effect. Raises NotFound, and Conflict if the job can't be retried.
    """
    body = {"reopen_skipped": reopen_skipped, **(set_options(dry_run=dry_run) or {})}
    return Operation(request("POST", "/v1/jobs/{}/retry", job_id, body=body), reader(Job))


def rerun_job(
    job_id: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    downstream: bool = True,
    dry_run: bool = False,
    cursor: str | None = None,
) -> Operation[Job]:
    """Runs an ended job again, also one that succeeded, and with `downstream` every job that follows it.

    `parameters` replace those of the job, None keeps them. `dry_run` changes nothing. The job's `rerun` has the counts,
    and the cursor for the next call if one call was not enough. A repeated call is safe. Raises NotFound, and Conflict
    if the job has not ended.
    """
    body: dict[str, Any] = {"downstream": downstream, "dry_run": dry_run}
    if parameters is not None:
        body["parameters"] = dict(parameters)
    return Operation(request("POST", "/v1/jobs/{}/rerun", job_id, body=body, cursor=cursor), reader(Job))


def read_logs(
    job_id: str,
    *,
    attempt: int | None = None,
    since: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Operation[LogPage]:
    """Reads a page of the lines that an attempt printed, the latest attempt by default.

    `cursor` is that of the page before, which was asked for with the same attempt and time. A page's own cursor is None
    once the attempt has ended and all its lines were read. Raises NotFound.
    """
    sent = request(
        "GET", "/v1/jobs/{}/logs", job_id, attempt=attempt, from_=moment(since), limit=limit, cursor=cursor
    )
    return Operation(sent, reader(LogPage))


def dependencies(job_id: str, *, page_size: int | None = None) -> Listing[UpstreamJob]:
    """Lists the jobs that a job depends on, with their states."""
    sent = request("GET", "/v1/jobs/{}/dependencies", job_id, limit=page_size)
    return Listing(sent, page_reader(UpstreamJob, "dependencies"))


def dependents(job_id: str, *, page_size: int | None = None) -> Listing[DownstreamJob]:
    """Lists the jobs that depend on a job."""
    sent = request("GET", "/v1/jobs/{}/dependents", job_id, limit=page_size)
    return Listing(sent, page_reader(DownstreamJob, "dependents"))


def chain(
    job_id: str,
    *,
    direction: Way | None = None,
    depth: int | None = None,
    limit: int | None = None,
    format: Literal["json", "mermaid", "dot"] | None = None,  # noqa: A002 - the name of the query parameter
) -> Operation[Chain]:
    """Reads the jobs up and down from a job, nearest first: at most `depth` edges away, and at most `limit` of them."""
    sent = request(
        "GET", "/v1/jobs/{}/chain", job_id, direction=direction, depth=depth, limit=limit, format=format
    )
    return Operation(sent, reader(Chain))


def accepted(answer: Json, name: str, key: str) -> Accepted:
    """Reads the answer to a submission, whose id stands in the field `name`. Raises UnexpectedAnswer."""
    found = answer.get(name)
    if not isinstance(found, str):
        raise UnexpectedAnswer(f"the answer to a submission has no {name}; is this tidegate's API?")
    return Accepted(found, key, answer.get("job_ids") or {}, answer)


def set_options(**options: bool) -> dict[str, bool] | None:
    """Returns the options that are set as a body, None where none is."""
    return {name: True for name, value in options.items() if value} or None


def moment(value: Moment | None) -> str | None:
    """Returns a time as a query parameter."""
    return value.isoformat() if isinstance(value, datetime) else value
