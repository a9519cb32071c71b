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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx

from tidegate.contracts.wire import refuse_if_too_large, too_large_numbers
from tidegate.domain.errors import BodyTooLarge, InvalidRequest
from tidegate.domain.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS as _MAX_KEY
from tidegate.domain.limits import MAX_JOBS_PER_WORKFLOW, MAX_PAGE_SIZE
from tidegate_cli import ids
from tidegate_cli.answers import MAX_BACKOFF_SECONDS, objects_of, read_answer, retry_after_seconds, text_of
from tidegate_cli.errors import ApiUnreachable, CliError, UsageError
from tidegate_cli.signing import SigV4
from tidegate_cli.target import Target
from tidegate_cli.views import JobView, WorkflowView, job_view

_TRIES = 5
_FIRST_BACKOFF_SECONDS = 0.2
_TIMEOUT = httpx.Timeout(35.0, connect=5.0)  # the platform itself answers within 29 s
_RETRIED = frozenset({429, 500, 502, 503, 504})
# Bounds paging should the server's cursors ever go in circles; short pages are allowed.
MAX_PAGES = MAX_JOBS_PER_WORKFLOW


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that stands. `job_ids` is by key for a workflow, empty for a job; `raw` is the answer."""

    id: str
    idempotency_key: str
    job_ids: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, and the cursor of the next page; None at the end. `raw` is the answer without its jobs."""

    jobs: tuple[JobView, ...]
    cursor: str | None
    raw: Mapping[str, Any]


class Client:
    """Calls the API, each request signed, bounded in time and retried where that is safe.

    Every method may raise ApiProblem (the API refused), ApiUnreachable (no answer within the bounded retries) or
    UsageError (an id, a name or an idempotency key that can't be one). `on_repeat` hears why a call that changes
    something is sent again, and `repeats` counts that: what the lost answer would have said is then not known. The
    target's `tell` hears, once, that a call changed something there. `transport` and `sleep` are for tests.
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
            trust_env=target.local is None,  # a proxy has no way to this machine's loopback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections up."""
        self._http.close()

    def submit_job(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> Accepted:
        """Submits one job. The same key again brings the same job back."""
        key = _key_or_new(idempotency_key)
        answer = self._call("POST", "/v1/jobs", body=body, idempotency_key=key)
        return Accepted(text_of(answer, "job_id"), key, raw=answer)

    def submit_workflow(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> Accepted:
        """Submits a workflow, all or nothing. The same key again brings the same workflow back."""
        key = _key_or_new(idempotency_key)
        answer = self._call("POST", "/v1/workflows", body=body, idempotency_key=key)
        return Accepted(text_of(answer, "workflow_id"), key, answer.get("job_ids") or {}, answer)

    def get_job(self, job_id: str) -> JobView:
        """One job with its parameters and its result."""
        return job_view(self._call("GET", f"/v1/jobs/{_part(ids.job_id(job_id))}"))

    def cancel_job(self, job_id: str, *, downstream: bool = False) -> JobView:
        """Cancels a job, or asks its worker to, and what is downstream of it; the job after that. May be repeated."""
        body = {"downstream": True} if downstream else None
        return job_view(self._call("POST", f"/v1/jobs/{_part(ids.job_id(job_id))}/cancel", body=body))

    def retry_job(self, job_id: str, *, reopen_skipped: bool = True) -> JobView:
        """Tries a job again, and what was skipped because of it; the job after that. May be repeated."""
        body = {"reopen_skipped": reopen_skipped}
        return job_view(self._call("POST", f"/v1/jobs/{_part(ids.job_id(job_id))}/retry", body=body))

    def cancel_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Cancels what has not ended of a workflow; how many jobs, and where a next call goes on. May be repeated."""
        path = f"/v1/workflows/{_part(ids.workflow_id(workflow_id))}/cancel"
        return self._call("POST", _with_query(path, cursor=cursor))

    def rerun_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Tries a workflow again from its failures; how many jobs, and where a next call goes on. May be repeated."""
        path = f"/v1/workflows/{_part(ids.workflow_id(workflow_id))}/rerun"
        return self._call("POST", _with_query(path, cursor=cursor))

    def redrive_pool(self, pool: str, *, limit: int, cursor: str | None = None) -> Mapping[str, Any]:
        """Retries the undeliverable among a page of a pool's failed jobs; how many, and the next page's cursor."""
        path = f"/v1/pools/{_part(ids.pool_name(pool))}/redrive"
        return self._call("POST", _with_query(path, limit=str(limit), cursor=cursor))

    def list_jobs(self, state: str, *, pool: str | None = None, limit: int = 50) -> Iterator[JobView]:
        """At most `limit` jobs in `state`, page by page as they are asked for."""
        cursor: str | None = None
        found = 0
        for _ in range(MAX_PAGES):
            size = min(limit - found, MAX_PAGE_SIZE)
            page = self._page("/v1/jobs", state=state, pool=pool, limit=str(size), cursor=cursor)
            yield from page.jobs
            found += len(page.jobs)
            cursor = page.cursor
            if cursor is None or found >= limit:
                return
        raise CliError(f"the listing did not end within {MAX_PAGES:,} pages; narrow it with --pool")

    def workflow_page(self, workflow_id: str, cursor: str | None = None) -> Page:
        """One page of a workflow's jobs, in the order they were submitted."""
        path = f"/v1/workflows/{_part(ids.workflow_id(workflow_id))}"
        return self._page(path, limit=str(MAX_PAGE_SIZE), cursor=cursor)

    def get_workflow(self, workflow_id: str) -> WorkflowView:
        """A workflow with all of its jobs."""
        jobs: list[JobView] = []
        page = self.workflow_page(workflow_id)
        for _ in range(MAX_PAGES):
            jobs.extend(page.jobs)
            if page.cursor is None:
                return WorkflowView(workflow_id, page.raw.get("name"), tuple(jobs), page.raw)
            page = self.workflow_page(workflow_id, page.cursor)
        raise CliError(f"workflow {workflow_id} did not end within {MAX_PAGES:,} pages")

    def list_pools(self) -> list[Mapping[str, Any]]:
        """Every pool, as the API shows it."""
        return objects_of(self._call("GET", "/v1/pools"), "pools")

    def get_pool(self, pool: str) -> Mapping[str, Any]:
        """One pool, as the API shows it."""
        return self._call("GET", f"/v1/pools/{_part(ids.pool_name(pool))}")

    def set_pool_paused(self, pool: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a pool; the pool after that. Twice is as good as once."""
        return self._call("POST", f"/v1/pools/{_part(ids.pool_name(pool))}/{'pause' if paused else 'resume'}")

    def list_types(self) -> list[Mapping[str, Any]]:
        """Every registered job type, as the API shows it."""
        return objects_of(self._call("GET", "/v1/types"), "types")

    def get_type(self, job_type: str) -> Mapping[str, Any]:
        """One job type, as the API shows it."""
        return self._call("GET", f"/v1/types/{_part(ids.type_name(job_type))}")

    def set_type_paused(self, job_type: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a job type; the type after that. Twice is as good as once."""
        return self._call(
            "POST", f"/v1/types/{_part(ids.type_name(job_type))}/{'pause' if paused else 'resume'}"
        )

    def limit_type(self, job_type: str, max_running: int | None) -> Mapping[str, Any]:
        """Limits how many jobs of a type run at once (1-100), None takes the limit off; the type after that."""
        body = {"max_running": max_running}
        return self._call("PUT", f"/v1/types/{_part(ids.type_name(job_type))}/limit", body=body)

    def list_workers(
        self, *, pool: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[Mapping[str, Any]]:
        """At most `limit` worker processes by pool and id, as the API shows them."""
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
        """One worker process as the API shows it."""
        return self._call("GET", _worker_path(pool, worker_id))

    def drain_worker(self, pool: str, worker_id: str) -> Mapping[str, Any]:
        """Asks a worker process to drain; the worker as it stands after that. Twice is as good as once."""
        return self._call("POST", f"{_worker_path(pool, worker_id)}/drain")

    def health(self) -> Mapping[str, Any]:
        """What the API says of itself."""
        return self._call("GET", "/v1/health")

    def _get(self, path: str, **parameters: str | None) -> dict[str, Any]:
        return self._call("GET", _with_query(path, **parameters))

    def _page(self, path: str, **parameters: str | None) -> Page:
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
        """One request, repeated while that may help. All of the API's calls may be repeated safely."""
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
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:  # of those nothing was done
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


def _with_query(path: str, **parameters: str | None) -> str:
    given = {name: value for name, value in parameters.items() if value is not None}
    if not given:
        return path
    # Encoded as the signature wants it: a blank is %20, not +.
    return f"{path}?{urlencode(given, quote_via=quote, safe='')}"


def _part(checked: str) -> str:
    """A name or an id as one part of a path."""
    return quote(checked, safe="")


def _worker_path(pool: str, worker_id: str) -> str:
    return f"/v1/workers/{_part(ids.pool_name(pool))}/{_part(ids.worker_id(worker_id))}"


def _key_or_new(key: str | None) -> str:
    if key is None:
        return str(uuid.uuid4())
    # It travels in a header, which holds no more than this.
    if key != key.strip() or not (key.isascii() and key.isprintable()) or not 1 <= len(key) <= _MAX_KEY:
        raise UsageError(
            f"the idempotency key must have 1 to {_MAX_KEY} printable ASCII characters, no blank at either end"
        )
    return key


def _backoff_seconds(attempt: int) -> float:
    ceiling = min(MAX_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2**attempt)
    return random.uniform(0, ceiling)  # full jitter; no secret  # nosec B311
