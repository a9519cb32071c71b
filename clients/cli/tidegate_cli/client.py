"""The Python client of the API.

with Client(find_target(None, None, None)) as client:
    accepted = client.submit_job({"type": "text.count", "parameters": {"path": "README.md"}})
    job = client.get_job(accepted.id)
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS as _MAX_KEY
from tidegate.domain.limits import MAX_JOBS_PER_WORKFLOW, MAX_PAGE_SIZE
from tidegate_cli import ids
from tidegate_cli.acts import ActsConnection
from tidegate_cli.api_answers import objects_of, text_of
from tidegate_cli.connection import Parameter, part_of_path, with_query
from tidegate_cli.errors import CliError, UsageError
from tidegate_cli.views import JobView, WorkflowView, job_view

_FOLLOW_SECONDS = 1.0
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


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing of jobs.

    `cursor` fetches the next page, and is None on the last one. `raw` is the answer without its jobs and its cursor.
    """

    jobs: tuple[JobView, ...]
    cursor: str | None
    raw: Mapping[str, Any]


class Client(ActsConnection):
    """Calls the API by a method for each route.

    Every method may raise ApiProblem (the API refused the request), ApiUnreachable (no answer to five requests),
    UsageError (a malformed id, name or idempotency key, or a body that is too large), or CliError (an answer that
    this API can't have given).
    """

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

    def get_job(self, job_id: str, *, whole: bool = True) -> JobView:
        """Returns one job with its parameters and its result.

        Without `whole` the API leaves out parameters, dependencies, result and history, and reads less.
        """
        path = f"/v1/jobs/{part_of_path(ids.job_id(job_id))}"
        return job_view(self._get(path, fields=None if whole else "slim"))

    def read_logs(
        self,
        job_id: str,
        *,
        attempt: int | None = None,
        since: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Mapping[str, Any]:
        """Returns a page of the lines that an attempt printed, as the API shows it; the latest attempt by default.

        `since` is the time of the earliest line, in RFC 3339. `cursor` is that of the page before, which was asked for
        with the same attempt and time. The page's own `cursor` is None once the attempt has ended and all its lines
        were read.
        """
        path = f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/logs"
        most, number = (None if value is None else str(value) for value in (limit, attempt))
        return self._get(path, attempt=number, cursor=cursor, limit=most, **{"from": since})

    def read_all_logs(
        self, job_id: str, *, attempt: int | None = None, since: str | None = None, limit: int | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yields the pages of what an attempt printed so far; arguments as for `read_logs`."""
        page = self.read_logs(job_id, attempt=attempt, since=since, limit=limit)
        yield page
        for _ in range(MAX_PAGES):
            before, cursor = page.get("looked_to"), page.get("cursor")
            if cursor is None:
                return
            page = self.read_logs(job_id, attempt=attempt, since=since, cursor=cursor, limit=limit)
            if not page.get("lines") and page.get("looked_to") in (None, before):
                return
            yield page
        raise CliError(f"the log did not end within {MAX_PAGES:,} pages; give --from")

    def follow_logs(
        self, job_id: str, *, attempt: int | None = None, since: str | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yields the pages of what an attempt prints until it has ended; arguments as for `read_logs`.

        Waits for the first attempt of a job that has had none. It asks once a second, and again at once after a page
        with lines.
        """
        page = self.read_logs(job_id, attempt=attempt, since=since)
        while True:
            yield page
            cursor = page.get("cursor")
            if cursor is None:
                return
            if not page.get("lines"):
                self._sleep(_FOLLOW_SECONDS)
            page = self.read_logs(job_id, attempt=attempt, since=since, cursor=cursor)

    def why(self, job_id: str) -> Mapping[str, Any]:
        """Returns the facts that hold a job and the changes that start it, as the API shows them."""
        return self._call("GET", f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/why")

    def dependencies(self, job_id: str, *, limit: int = 50) -> list[Mapping[str, Any]]:
        """Returns at most `limit` dependencies of a job, with their upstreams' states, as the API shows them."""
        return self._around(job_id, "dependencies", limit)

    def dependents(self, job_id: str, *, limit: int = 50) -> list[Mapping[str, Any]]:
        """Returns at most `limit` of the jobs that depend on a job, as the API shows them."""
        return self._around(job_id, "dependents", limit)

    def chain(
        self, job_id: str, *, direction: str = "both", depth: int | None = None, limit: int | None = None
    ) -> Mapping[str, Any]:
        """Returns the jobs up and down from a job, nearest first, as the API shows them.

        `depth` is how many edges away they may be, `limit` how many; None takes the API's defaults.
        """
        bounds = {
            name: str(value) for name, value in (("depth", depth), ("limit", limit)) if value is not None
        }
        path = f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/chain"
        return self._get(path, direction=direction, **bounds)

    def _around(self, job_id: str, what: str, limit: int) -> list[Mapping[str, Any]]:
        path = f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/{what}"
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            answer = self._get(path, limit=str(min(limit - len(found), MAX_PAGE_SIZE)), cursor=cursor)
            found += objects_of(answer, what)
            cursor = answer.get("cursor")
            if cursor is None or len(found) >= limit:
                return found
        raise CliError(f"the listing did not end within {MAX_PAGES:,} pages")

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
        path = f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}"
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

    def list_workflows(
        self, filters: Mapping[str, Parameter] | None = None, *, limit: int = 50
    ) -> list[Mapping[str, Any]]:
        """Returns at most `limit` workflows, newest first, as the API shows them.

        `filters` are query parameters of `GET /v1/workflows`, such as `state` and `name`. Pages that found nothing are
        passed over.
        """
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            size = min(limit - len(found), MAX_PAGE_SIZE)
            answer = self._get("/v1/workflows", **(filters or {}), limit=str(size), cursor=cursor)
            found.extend(objects_of(answer, "workflows"))
            cursor = answer.get("cursor")
            if cursor is None or len(found) >= limit:
                return found[:limit]
        raise CliError(f"the listing did not end within {MAX_PAGES:,} pages; narrow it with --from")

    def get_workflow_graph(self, workflow_id: str) -> Mapping[str, Any]:
        """Returns the graph of a workflow, as the API shows it. It never changes."""
        return self._get(f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}/graph")

    def get_critical_path(self, workflow_id: str) -> Mapping[str, Any]:
        """Returns the chain of a workflow's jobs that takes longest, as the API shows it."""
        return self._get(f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}/critical-path")

    def get_workflow_states(self, workflow_id: str, *, since: str | None = None) -> Mapping[str, Any]:
        """Returns the states of a workflow's jobs, or what changed since a version, as the API shows them."""
        return self._get(f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}/states", since=since)

    def list_pools(self) -> list[Mapping[str, Any]]:
        """Returns every pool, as the API shows it."""
        return objects_of(self._call("GET", "/v1/pools"), "pools")

    def get_pool(self, pool: str) -> Mapping[str, Any]:
        """Returns one pool, as the API shows it."""
        return self._call("GET", f"/v1/pools/{part_of_path(ids.pool_name(pool))}")

    def set_pool_paused(self, pool: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a pool, and returns the pool after that. A second call has no further effect."""
        return self._call(
            "POST", f"/v1/pools/{part_of_path(ids.pool_name(pool))}/{'pause' if paused else 'resume'}"
        )

    def list_shares(self, pool: str) -> list[Mapping[str, Any]]:
        """Returns the shares of a pool by name, as the API shows them."""
        return objects_of(
            self._call("GET", f"/v1/pools/{part_of_path(ids.pool_name(pool))}/shares"), "shares"
        )

    def get_share(self, pool: str, share: str) -> Mapping[str, Any]:
        """Returns one share of a pool, as the API shows it."""
        return self._call("GET", _share_path(pool, share))

    def set_share(
        self,
        pool: str,
        share: str,
        *,
        weight: int = 1,
        max_priority: int | None = None,
        max_waiting: int | None = None,
    ) -> Mapping[str, Any]:
        """Makes a share of a pool, or gives it another weight and other bounds, and returns it.

        `weight` is 1 to 1,000. Its jobs have at most `max_priority` (1 to 1,000), and `max_waiting` (1 to 1,000) at
        most wait; None sets no bound. A second call has no further effect but its time.
        """
        body = {"weight": weight, "max_priority": max_priority, "max_waiting": max_waiting}
        return self._call("PUT", _share_path(pool, share), body=body)

    def remove_share(self, pool: str, share: str) -> Mapping[str, Any]:
        """Removes a share of a pool, and returns it as it was. Its jobs that wait are still dispatched."""
        return self._call("DELETE", _share_path(pool, share))

    def list_types(self) -> list[Mapping[str, Any]]:
        """Returns every registered job type, as the API shows it."""
        return objects_of(self._call("GET", "/v1/types"), "types")

    def get_type(self, job_type: str) -> Mapping[str, Any]:
        """Returns one job type, as the API shows it."""
        return self._call("GET", f"/v1/types/{part_of_path(ids.type_name(job_type))}")

    def set_type_paused(self, job_type: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a job type, and returns the type after that. A second call has no further effect."""
        return self._call(
            "POST", f"/v1/types/{part_of_path(ids.type_name(job_type))}/{'pause' if paused else 'resume'}"
        )

    def limit_type(self, job_type: str, max_running: int | None) -> Mapping[str, Any]:
        """Limits how many jobs of a type run at once (1 to 100, None for no limit), and returns the type after that."""
        body = {"max_running": max_running}
        return self._call("PUT", f"/v1/types/{part_of_path(ids.type_name(job_type))}/limit", body=body)

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

    def order_workers(
        self, order: str, *, pool: str | None = None, state: str | None = None, limit: int = 50
    ) -> Mapping[str, Any]:
        """Returns the first `limit` (1-200) workers by `load`, `free` slots or last `seen`, as the API shows them."""
        return self._get("/v1/workers", state=state, pool=pool, order=order, limit=str(limit))

    def worker_jobs(self, pool: str, worker_id: str, *, limit: int = 50) -> Mapping[str, Any]:
        """Returns the jobs that a worker runs and the latest `limit` (1-200) that it ran, as the API shows them."""
        return self._get(f"{_worker_path(pool, worker_id)}/jobs", limit=str(limit))

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
        return self._call("PUT", with_query("/v1/grants", namespace=namespace), body=body)

    def remove_grant(self, namespace: str) -> Mapping[str, Any]:
        """Removes the grant of a caller, named by its ARN, and returns the grant as it was."""
        return self._call("DELETE", with_query("/v1/grants", namespace=namespace))

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

    def get_status(self) -> Mapping[str, Any]:
        """Returns whether the schedules and the readers of the streams are alive, as the API shows it."""
        return self._call("GET", "/v1/status")

    def health(self) -> Mapping[str, Any]:
        """Returns the API's answer about its own health."""
        return self._call("GET", "/v1/health")

    def _page(self, path: str, **parameters: Parameter) -> Page:
        answer = self._get(path, **parameters)
        raw_jobs = answer.get("jobs")
        if not isinstance(raw_jobs, list):
            raise CliError("the API answered with a page that has no jobs; is --api-url a tidegate API?")
        rest = {name: value for name, value in answer.items() if name not in ("jobs", "cursor")}
        return Page(tuple(job_view(raw) for raw in raw_jobs), answer.get("cursor"), rest)


def _share_path(pool: str, share: str) -> str:
    return f"/v1/pools/{part_of_path(ids.pool_name(pool))}/shares/{part_of_path(ids.share_name(share))}"


def _worker_path(pool: str, worker_id: str) -> str:
    return f"/v1/workers/{part_of_path(ids.pool_name(pool))}/{part_of_path(ids.worker_id(worker_id))}"


def _key_or_new(key: str | None) -> str:
    if key is None:
        return str(uuid.uuid4())
    # The key is sent in a header, which can hold only these characters.
    if key != key.strip() or not (key.isascii() and key.isprintable()) or not 1 <= len(key) <= _MAX_KEY:
        raise UsageError(
            f"the idempotency key must have 1 to {_MAX_KEY} printable ASCII characters, no blank at either end"
        )
    return key
