"""The Python client of the API.

with Client(find_target(None, None, None)) as client:
    accepted = client.submit_job({"type": "text.count", "parameters": {"path": "README.md"}})
    job = client.get_job(accepted.id)
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx

from tidegate.contracts.requests import refuse_if_too_large, too_large_numbers
from tidegate.domain.backoff import doubled
from tidegate.domain.errors import BodyTooLarge, InvalidRequest
from tidegate.domain.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS as _MAX_KEY
from tidegate.domain.limits import MAX_JOBS_PER_WORKFLOW, MAX_PAGE_SIZE
from tidegate_cli import ids
from tidegate_cli.api_answers import (
    MAX_BACKOFF_SECONDS,
    objects_of,
    read_answer,
    retry_after_seconds,
    text_of,
)
from tidegate_cli.errors import ApiUnreachable, CliError, UsageError
from tidegate_cli.signing import SigV4
from tidegate_cli.target import Target
from tidegate_cli.views import JobView, WorkflowView, job_view

_TRIES = 5
_FIRST_BACKOFF_SECONDS = 0.2
_TIMEOUT = httpx.Timeout(35.0, connect=5.0)  # API Gateway answers within 29 s at the latest
_RETRIED = frozenset({429, 500, 502, 503, 504})
# Ends paging even if the server's cursors form a circle. It leaves room for pages of a single job.
MAX_PAGES = MAX_JOBS_PER_WORKFLOW


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that the API accepted.

    `id` is the id of the job or the workflow. `job_ids` are a workflow's job ids by key, empty for a single job.
    `raw` is the whole answer.
    """

    id: str
    idempotency_key: str
    job_ids: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


Parameter = str | Sequence[str] | None  # of a query; a sequence repeats it


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing of jobs.

    `cursor` fetches the next page, and is None on the last one. `raw` is the answer without its jobs and its cursor.
    """

    jobs: tuple[JobView, ...]
    cursor: str | None
    raw: Mapping[str, Any]


class Client:
    """Calls the API. It signs each request, bounds its time (35 s), and repeats it where that is safe.

    Every method may raise ApiProblem (the API refused the request), ApiUnreachable (no answer to five requests),
    UsageError (a malformed id, name or idempotency key, or a body that is too large), or CliError (an answer that
    this API can't have given).

    When a call that changes something is sent again, its lost answer stays unknown: the first request may have been
    carried out. `on_repeat` is called with the reason each time, and `repeats` counts the times. The target's `tell`
    is called once, after the first call that changed something. `transport` and `sleep` are for tests.
    """

    def __init__(
        self,
        target: Target,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.repeats = 0
        self.on_repeat: Callable[[str], None] = lambda _: None
        self._target = target
        self._tell = target.tell
        self._sleep = sleep
        self._http = httpx.Client(
            auth=SigV4(target),
            timeout=_TIMEOUT,
            transport=transport,
            headers={"accept": "application/json"},
            trust_env=target.local is None,  # a proxy can't reach this machine's loopback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def submit_job(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> Accepted:
        """Submits one job, `body` as `POST /v1/jobs` takes it.

        A second call with the same `idempotency_key` returns the same job. Without a key the client makes a new one.
        """
        key = _key_or_new(idempotency_key)
        answer = self._call("POST", "/v1/jobs", body=body, idempotency_key=key)
        return Accepted(text_of(answer, "job_id"), key, raw=answer)

    def submit_workflow(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> Accepted:
        """Submits a workflow, `body` as `POST /v1/workflows` takes it. The API accepts all of its jobs or none.

        A second call with the same `idempotency_key` returns the same workflow. Without a key the client makes a new
        one.
        """
        key = _key_or_new(idempotency_key)
        answer = self._call("POST", "/v1/workflows", body=body, idempotency_key=key)
        return Accepted(text_of(answer, "workflow_id"), key, answer.get("job_ids") or {}, answer)

    def get_job(self, job_id: str) -> JobView:
        """Returns one job with its parameters and its result."""
        return job_view(self._call("GET", f"/v1/jobs/{_part(ids.job_id(job_id))}"))

    def change_job(self, job_id: str, changes: Mapping[str, Any]) -> JobView:
        """Changes a job that waits, and returns the job after that.

        `changes` may name `priority`, `not_before` (RFC 3339), `pool`, `description` and `tags`. None takes a time or a
        description off. A second call has no further effect.
        """
        return job_view(self._call("PATCH", f"/v1/jobs/{_part(ids.job_id(job_id))}", body=changes))

    def why(self, job_id: str) -> Mapping[str, Any]:
        """Returns the facts that hold a job and the changes that start it, as the API shows them."""
        return self._call("GET", f"/v1/jobs/{_part(ids.job_id(job_id))}/why")

    def cancel_job(self, job_id: str, *, downstream: bool = False) -> JobView:
        """Cancels a job, or asks its worker to stop it if it is RUNNING, and returns the job after that.

        `downstream` cancels every job downstream of it too. A second call has no further effect.
        """
        body = {"downstream": True} if downstream else None
        return job_view(self._call("POST", f"/v1/jobs/{_part(ids.job_id(job_id))}/cancel", body=body))

    def retry_job(self, job_id: str, *, reopen_skipped: bool = True) -> JobView:
        """Reopens a job that ended without success, and returns the job after that.

        `reopen_skipped` reopens the jobs that were skipped because of it too. A second call has no further effect.
        """
        body = {"reopen_skipped": reopen_skipped}
        return job_view(self._call("POST", f"/v1/jobs/{_part(ids.job_id(job_id))}/retry", body=body))

    def rerun_job(
        self,
        job_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        downstream: bool = True,
        dry_run: bool = False,
        cursor: str | None = None,
    ) -> JobView:
        """Runs an ended job again, also one that succeeded, and with `downstream` every job that follows it.

        `parameters` replace those of the job, None keeps them. `dry_run` changes nothing. `rerun` of the job's `raw`
        has the API's counts, and the `cursor` for the next call if one call was not enough. A repeated call is safe.
        """
        body = {"downstream": downstream, "dry_run": dry_run}
        given = {} if parameters is None else {"parameters": dict(parameters)}
        path = f"/v1/jobs/{_part(ids.job_id(job_id))}/rerun"
        return job_view(self._call("POST", _with_query(path, cursor=cursor), body={**body, **given}))

    def act_in_bulk(self, act: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Acts on a page of jobs: `act` is cancel, retry or reprioritise, `body` as `POST /v1/jobs/{act}` takes it.

        Returns what became of each job, the counts, and the `cursor` for the next call. A repeated call is safe.
        """
        return self._call("POST", f"/v1/jobs/{act}", body=body)

    def cancel_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Cancels the jobs of a workflow that have not ended.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe.
        """
        path = f"/v1/workflows/{_part(ids.workflow_id(workflow_id))}/cancel"
        return self._call("POST", _with_query(path, cursor=cursor))

    def rerun_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Reopens the jobs of a workflow that failed, timed out or were cancelled, and those skipped because of them.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe.
        """
        path = f"/v1/workflows/{_part(ids.workflow_id(workflow_id))}/rerun"
        return self._call("POST", _with_query(path, cursor=cursor))

    def redrive_pool(self, pool: str, *, limit: int, cursor: str | None = None) -> Mapping[str, Any]:
        """Reopens the jobs whose messages the queue could not deliver, among `limit` failed jobs of a pool.

        Returns the API's counts (`redriven`, `looked_at`), and the `cursor` of the next page, None at the end.
        """
        path = f"/v1/pools/{_part(ids.pool_name(pool))}/redrive"
        return self._call("POST", _with_query(path, limit=str(limit), cursor=cursor))

    def jobs_page(
        self, filters: Mapping[str, Parameter], *, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Returns one page of the jobs that fit. `filters` are parameters of `GET /v1/jobs`; None is left out."""
        return self._page("/v1/jobs", **filters, limit=str(limit), cursor=cursor)

    def list_jobs(self, filters: Mapping[str, Parameter], *, limit: int = 50) -> Iterator[JobView]:
        """Yields at most `limit` jobs that fit. Each page is fetched when the iterator reaches it.

        `filters` are parameters of `GET /v1/jobs`, such as `{"state": "READY", "tag": ["team=data"]}`.
        """
        cursor: str | None = None
        found = 0
        for _ in range(MAX_PAGES):
            page = self.jobs_page(filters, limit=min(limit - found, MAX_PAGE_SIZE), cursor=cursor)
            yield from page.jobs
            found += len(page.jobs)
            cursor = page.cursor
            if cursor is None or found >= limit:
                return
        raise CliError(f"the listing did not end within {MAX_PAGES:,} pages; narrow it with --pool")

    def workflow_page(self, workflow_id: str, cursor: str | None = None) -> Page:
        """Returns one page of a workflow's jobs, in the order in which they were submitted."""
        path = f"/v1/workflows/{_part(ids.workflow_id(workflow_id))}"
        return self._page(path, limit=str(MAX_PAGE_SIZE), cursor=cursor)

    def get_workflow(self, workflow_id: str) -> WorkflowView:
        """Returns a workflow with all of its jobs."""
        jobs: list[JobView] = []
        page = self.workflow_page(workflow_id)
        for _ in range(MAX_PAGES):
            jobs.extend(page.jobs)
            if page.cursor is None:
                return WorkflowView(workflow_id, page.raw.get("name"), tuple(jobs), page.raw)
            page = self.workflow_page(workflow_id, page.cursor)
        raise CliError(f"workflow {workflow_id} did not end within {MAX_PAGES:,} pages")

    def list_pools(self) -> list[Mapping[str, Any]]:
        """Returns every pool, as the API shows it."""
        return objects_of(self._call("GET", "/v1/pools"), "pools")

    def get_pool(self, pool: str) -> Mapping[str, Any]:
        """Returns one pool, as the API shows it."""
        return self._call("GET", f"/v1/pools/{_part(ids.pool_name(pool))}")

    def set_pool_paused(self, pool: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a pool, and returns the pool after that. A second call has no further effect."""
        return self._call("POST", f"/v1/pools/{_part(ids.pool_name(pool))}/{'pause' if paused else 'resume'}")

    def list_types(self) -> list[Mapping[str, Any]]:
        """Returns every registered job type, as the API shows it."""
        return objects_of(self._call("GET", "/v1/types"), "types")

    def get_type(self, job_type: str) -> Mapping[str, Any]:
        """Returns one job type, as the API shows it."""
        return self._call("GET", f"/v1/types/{_part(ids.type_name(job_type))}")

    def set_type_paused(self, job_type: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a job type, and returns the type after that. A second call has no further effect."""
        return self._call(
            "POST", f"/v1/types/{_part(ids.type_name(job_type))}/{'pause' if paused else 'resume'}"
        )

    def limit_type(self, job_type: str, max_running: int | None) -> Mapping[str, Any]:
        """Limits how many jobs of a type run at once (1 to 100, None for no limit), and returns the type after that."""
        body = {"max_running": max_running}
        return self._call("PUT", f"/v1/types/{_part(ids.type_name(job_type))}/limit", body=body)

    def list_workers(
        self, *, pool: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[Mapping[str, Any]]:
        """Returns at most `limit` worker processes, ordered by pool and id, as the API shows them.

        `pool` and `state` keep only the workers of that pool or in that state.
        """
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            size = min(limit - len(found), MAX_PAGE_SIZE)
            answer = self._get("/v1/workers", state=state, pool=pool, limit=str(size), cursor=cursor)
            page = objects_of(answer, "workers")
            found.extend(page)
            cursor = answer.get("cursor")
            if cursor is None or len(found) >= limit:
                return found[:limit]
        raise CliError(f"the listing did not end within {MAX_PAGES:,} pages; narrow it with --pool")

    def get_worker(self, pool: str, worker_id: str) -> Mapping[str, Any]:
        """Returns one worker process, as the API shows it."""
        return self._call("GET", _worker_path(pool, worker_id))

    def drain_worker(self, pool: str, worker_id: str) -> Mapping[str, Any]:
        """Asks a worker process to drain, and returns the worker after that. A second call has no further effect."""
        return self._call("POST", f"{_worker_path(pool, worker_id)}/drain")

    def list_grants(self) -> list[Mapping[str, Any]]:
        """Returns every grant, ordered by namespace, as the API shows it."""
        return objects_of(self._call("GET", "/v1/grants"), "grants")

    def set_grant(
        self, namespace: str, *, role: str = "client", namespaces: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Gives a caller a role and shared namespaces, instead of those that it had, and returns the grant.

        `namespace` is the caller's ARN, `role` is "client" or "operator". A second call has no further effect.
        """
        body = {"role": role, "namespaces": list(namespaces)}
        return self._call("PUT", _with_query("/v1/grants", namespace=namespace), body=body)

    def remove_grant(self, namespace: str) -> Mapping[str, Any]:
        """Removes the grant of a caller, named by its ARN, and returns the grant as it was."""
        return self._call("DELETE", _with_query("/v1/grants", namespace=namespace))

    def get_me(self) -> Mapping[str, Any]:
        """Returns the caller that the API sees, and the version of the deployment."""
        return self._call("GET", "/v1/me")

    def list_audit(
        self,
        *,
        subject: str | None = None,
        caller: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int = 50,
    ) -> list[Mapping[str, Any]]:
        """Returns at most `limit` acts, newest first, as the API shows them.

        `subject` names the thing that they are about (`job#ID`), `caller` the whole subject of a caller. `since` counts
        and `until` does not; both are RFC 3339 times with a zone.
        """
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            size = str(min(limit - len(found), MAX_PAGE_SIZE))
            given = {"subject": subject, "caller": caller, "from": since, "to": until}
            answer = self._get("/v1/audit", **given, limit=size, cursor=cursor)
            found.extend(objects_of(answer, "acts"))
            cursor = answer.get("cursor")
            if cursor is None or len(found) >= limit:
                return found[:limit]
        raise CliError(f"the listing did not end within {MAX_PAGES:,} pages; narrow it with --from")

    def health(self) -> Mapping[str, Any]:
        """Returns the API's answer about its own health."""
        return self._call("GET", "/v1/health")

    def _get(self, path: str, **parameters: Parameter) -> dict[str, Any]:
        return self._call("GET", _with_query(path, **parameters))

    def _page(self, path: str, **parameters: Parameter) -> Page:
        answer = self._get(path, **parameters)
        raw_jobs = answer.get("jobs")
        if not isinstance(raw_jobs, list):
            raise CliError("the API answered with a page that has no jobs; is --api-url a tidegate API?")
        rest = {name: value for name, value in answer.items() if name not in ("jobs", "cursor")}
        return Page(tuple(job_view(raw) for raw in raw_jobs), answer.get("cursor"), rest)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Sends one request, and repeats it after a failure that may pass. Every call of the API is safe to repeat."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
        content = None
        if body is not None:
            try:
                text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
            except ValueError as error:
                raise UsageError(str(InvalidRequest(list(too_large_numbers(body))))) from error
            try:
                refuse_if_too_large(text)
            except BodyTooLarge as error:
                raise UsageError(str(error)) from error
            content = text.encode()
            headers["content-type"] = "application/json"
        why = ""
        asked_seconds = 0.0
        for attempt in range(_TRIES):
            if attempt:
                self._sleep(max(asked_seconds, _backoff_seconds(attempt)))
            try:
                response = self._http.request(
                    method, self._target.api_url + path, content=content, headers=headers
                )
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
                self._note_repeat(method, why)
                continue
            if response.status_code not in _RETRIED or attempt == _TRIES - 1:
                answer = read_answer(response)
                if method != "GET":
                    self._name_deployment()
                return answer
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:  # nothing was done then
                self._note_repeat(method, f"the API answered {response.status_code}")
            asked_seconds = retry_after_seconds(response)
        raise ApiUnreachable(self._unreachable(why))

    def _note_repeat(self, method: str, why: str) -> None:
        if method != "GET":
            self.repeats += 1
            self.on_repeat(why)

    def _name_deployment(self) -> None:
        if self._tell is not None:
            self._tell(f"deployment: {self._target.title}")
            self._tell = None

    def _unreachable(self, why: str) -> str:
        hint = "run `tidegate local up`" if self._target.local else "check --api-url and the network"
        return f"no answer from {self._target.api_url} ({why}): {hint}"


def _with_query(path: str, **parameters: Parameter) -> str:
    given = {name: value for name, value in parameters.items() if value not in (None, [])}
    if not given:
        return path
    # The signature needs a blank encoded as %20, not as +.
    return f"{path}?{urlencode(given, doseq=True, quote_via=quote, safe='')}"


def _part(checked: str) -> str:
    """Returns a checked name or id, encoded as one part of a path."""
    return quote(checked, safe="")


def _worker_path(pool: str, worker_id: str) -> str:
    return f"/v1/workers/{_part(ids.pool_name(pool))}/{_part(ids.worker_id(worker_id))}"


def _key_or_new(key: str | None) -> str:
    if key is None:
        return str(uuid.uuid4())
    # The key is sent in a header, which can hold only these characters.
    if key != key.strip() or not (key.isascii() and key.isprintable()) or not 1 <= len(key) <= _MAX_KEY:
        raise UsageError(
            f"the idempotency key must have 1 to {_MAX_KEY} printable ASCII characters, no blank at either end"
        )
    return key


def _backoff_seconds(attempt: int) -> float:
    ceiling = doubled(_FIRST_BACKOFF_SECONDS, attempt + 1, MAX_BACKOFF_SECONDS)
    return random.uniform(0, ceiling)  # full jitter, not a secret  # nosec B311
