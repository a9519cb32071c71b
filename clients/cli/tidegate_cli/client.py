"""The API as the commands use it: tidegate_client's operations, with ids checked before anything is sent.

The answers stay the API's own JSON, because `--output json` shows them as they came. Programs use tidegate_client.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from tidegate.domain.limits import MAX_PAGE_SIZE
from tidegate_cli import ids
from tidegate_cli.acts import ActsConnection
from tidegate_cli.api_answers import objects_of, text_of
from tidegate_cli.connection import MAX_PAGES, Parameter
from tidegate_cli.errors import CliError
from tidegate_cli.timetable_calls import TimetablesConnection
from tidegate_cli.views import JobView, WorkflowView, job_view
from tidegate_cli.webhook_calls import WebhooksConnection
from tidegate_client import Accepted
from tidegate_client.operations import callers, failures, jobs, operate, workflows

_FOLLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing of jobs.

    `cursor` fetches the next page, and is None on the last one. `raw` is the answer without its jobs and its cursor.
    """

    jobs: tuple[JobView, ...]
    cursor: str | None
    raw: Mapping[str, Any]


class Client(ActsConnection, TimetablesConnection, WebhooksConnection):
    """Calls the API by a method for each route.

    Every method may raise ApiProblem (the API refused the request), ApiUnreachable (no answer to five requests),
    UsageError (a malformed id, name or idempotency key, or a body that is too large), or CliError (an answer that
    this API can't have given).
    """

    def submit_job(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> Accepted:
        """Submits one job, `body` as `POST /v1/jobs` takes it.

        A second call with the same `idempotency_key` returns the same job. Without a key the client makes a new one.
        """
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        answer = self._ask(jobs.submit_job, body, idempotency_key=key)
        return Accepted(text_of(answer, "job_id"), key, raw=answer)

    def submit_workflow(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> Accepted:
        """Submits a workflow, `body` as `POST /v1/workflows` takes it. The API accepts all of its jobs or none.

        A second call with the same `idempotency_key` returns the same workflow. Without a key the client makes a new
        one.
        """
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        answer = self._ask(workflows.submit_workflow, body, idempotency_key=key)
        return Accepted(text_of(answer, "workflow_id"), key, answer.get("job_ids") or {}, answer)

    def foresee_job(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns what `submit_job` would create, as the API shows it, and creates nothing."""
        return self._ask(jobs.foresee_job, body)

    def foresee_workflow(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns what `submit_workflow` would create, as the API shows it, and creates nothing."""
        return self._ask(workflows.foresee_workflow, body)

    def get_job(self, job_id: str, *, whole: bool = True) -> JobView:
        """Returns one job with its parameters and its result.

        Without `whole` the API leaves out parameters, dependencies, result and history, and reads less.
        """
        fields: Literal["slim"] | None = None if whole else "slim"
        return job_view(self._ask(jobs.get_job, ids.job_id(job_id), fields=fields))

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
        return self._ask(
            jobs.read_logs, ids.job_id(job_id), attempt=attempt, since=since, limit=limit, cursor=cursor
        )

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
        return self._ask(jobs.why, ids.job_id(job_id))

    def forecast_job(self, job_id: str) -> Mapping[str, Any]:
        """Returns when a job is forecast to start and to end, as the API shows it."""
        return self._ask(jobs.forecast_job, ids.job_id(job_id))

    def get_job_cost(self, job_id: str) -> Mapping[str, Any]:
        """Returns what a job cost, as the API shows it."""
        return self._ask(jobs.get_job_cost, ids.job_id(job_id))

    def dependencies(self, job_id: str, *, limit: int = 50) -> list[Mapping[str, Any]]:
        """Returns at most `limit` dependencies of a job, with their upstreams' states, as the API shows them."""
        job_id = ids.job_id(job_id)
        return self._list(lambda size: jobs.dependencies(job_id, page_size=size), "dependencies", limit)

    def dependents(self, job_id: str, *, limit: int = 50) -> list[Mapping[str, Any]]:
        """Returns at most `limit` of the jobs that depend on a job, as the API shows them."""
        job_id = ids.job_id(job_id)
        return self._list(lambda size: jobs.dependents(job_id, page_size=size), "dependents", limit)

    def chain(
        self,
        job_id: str,
        *,
        direction: str = "both",
        depth: int | None = None,
        limit: int | None = None,
    ) -> Mapping[str, Any]:
        """Returns the jobs up and down from a job, nearest first, as the API shows them.

        `depth` is how many edges away they may be, `limit` how many; None takes the API's defaults.
        """
        return self._ask(
            jobs.chain, ids.job_id(job_id), direction=cast(jobs.Way, direction), depth=depth, limit=limit
        )

    def jobs_page(
        self, filters: Mapping[str, Parameter], *, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Returns one page of the jobs that fit. `filters` are parameters of `GET /v1/jobs`; None is left out."""
        listing = jobs.list_jobs(**_arguments(filters), page_size=limit)
        return _page(self._send(listing.at(cursor)))

    def list_jobs(self, filters: Mapping[str, Parameter], *, limit: int = 50) -> Iterator[JobView]:
        """Yields at most `limit` jobs that fit. Each page is fetched when the iterator reaches it.

        `filters` are parameters of `GET /v1/jobs`, such as `{"state": "READY", "tag": ["team=data"]}`.
        """
        given = _arguments(filters)
        pages = self._answers(lambda size: jobs.list_jobs(**given, page_size=size), "jobs", limit)
        return (job for page in pages for job in _page(page).jobs)

    def workflow_page(self, workflow_id: str, cursor: str | None = None) -> Page:
        """Returns one page of a workflow's jobs, in the order in which they were submitted."""
        some_id = ids.workflow_id(workflow_id)
        return _page(self._ask(workflows.get_workflow, some_id, limit=MAX_PAGE_SIZE, cursor=cursor))

    def wait_for_end(self, some_id: str, seconds: int, *, of_workflow: bool) -> bool:
        """Lets the API wait for the end of a job or a workflow, for at most `seconds` (1-20).

        Returns whether it has ended. The API may answer at once, without an end.
        """
        if of_workflow:
            some_id = ids.workflow_id(some_id)
            return (
                self._ask(workflows.get_workflow, some_id, limit=1, wait=seconds).get("ended_at") is not None
            )
        return job_view(self._ask(jobs.get_job, ids.job_id(some_id), fields="slim", wait=seconds)).is_terminal

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

    def workflows_page(self, filters: Mapping[str, Parameter], *, limit: int = 50) -> Mapping[str, Any]:
        """Returns the first page of the workflows that fit, as the API shows it: `workflows` and `cursor`.

        `filters` are query parameters of `GET /v1/workflows`; None is left out.
        """
        answer = self._send(workflows.list_workflows(**_arguments(filters), page_size=limit).at(None))
        objects_of(answer, "workflows")
        return answer

    def list_workflows(
        self, filters: Mapping[str, Parameter] | None = None, *, limit: int = 50, forecast: bool = False
    ) -> list[Mapping[str, Any]]:
        """Returns at most `limit` workflows, newest first, as the API shows them, with their `forecast` if it is asked.

        `filters` are query parameters of `GET /v1/workflows`, such as `state` and `name`. Pages that found nothing are
        passed over.
        """
        given = _arguments(filters or {})
        return self._list(
            lambda size: workflows.list_workflows(**given, forecast=forecast, page_size=size),
            "workflows",
            limit,
        )

    def get_workflow_graph(self, workflow_id: str) -> Mapping[str, Any]:
        """Returns the graph of a workflow, as the API shows it. It never changes."""
        return self._ask(workflows.get_graph, ids.workflow_id(workflow_id))

    def get_critical_path(self, workflow_id: str) -> Mapping[str, Any]:
        """Returns the chain of a workflow's jobs that takes longest, as the API shows it."""
        return self._ask(workflows.get_critical_path, ids.workflow_id(workflow_id))

    def forecast_workflow(self, workflow_id: str) -> Mapping[str, Any]:
        """Returns when a workflow is forecast to end, and when its next jobs start and end, as the API shows it."""
        return self._ask(workflows.forecast_workflow, ids.workflow_id(workflow_id))

    def what_if(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns what would end when after changes, a body of `POST /v1/forecast`, as the API shows it."""
        return self._ask(workflows.what_if, changes)

    def get_workflow_cost(self, workflow_id: str, *, cursor: str | None = None) -> Mapping[str, Any]:
        """Returns what a page of a workflow's jobs cost, as the API shows it."""
        return self._ask(workflows.get_workflow_cost, ids.workflow_id(workflow_id), limit=200, cursor=cursor)

    def get_workflow_states(self, workflow_id: str, *, since: str | None = None) -> Mapping[str, Any]:
        """Returns the states of a workflow's jobs, or what changed since a version, as the API shows them."""
        return self._ask(workflows.get_states, ids.workflow_id(workflow_id), since=since)

    def list_pools(self) -> list[Mapping[str, Any]]:
        """Returns every pool, as the API shows it."""
        return objects_of(self._ask(operate.list_pools), "pools")

    def get_pool(self, pool: str) -> Mapping[str, Any]:
        """Returns one pool, as the API shows it."""
        return self._ask(operate.get_pool, ids.pool_name(pool))

    def set_pool_paused(self, pool: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a pool, and returns the pool after that. A second call has no further effect."""
        return self._ask(operate.pause_pool if paused else operate.resume_pool, ids.pool_name(pool))

    def list_shares(self, pool: str) -> list[Mapping[str, Any]]:
        """Returns the shares of a pool by name, as the API shows them."""
        return objects_of(self._ask(operate.list_shares, ids.pool_name(pool)), "shares")

    def get_share(self, pool: str, share: str) -> Mapping[str, Any]:
        """Returns one share of a pool, as the API shows it."""
        return self._ask(operate.get_share, ids.pool_name(pool), ids.share_name(share))

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
        return self._ask(
            operate.set_share,
            ids.pool_name(pool),
            ids.share_name(share),
            weight=weight,
            max_priority=max_priority,
            max_waiting=max_waiting,
        )

    def remove_share(self, pool: str, share: str) -> Mapping[str, Any]:
        """Removes a share of a pool, and returns it as it was. Its jobs that wait are still dispatched."""
        return self._ask(operate.remove_share, ids.pool_name(pool), ids.share_name(share))

    def list_types(self) -> list[Mapping[str, Any]]:
        """Returns every registered job type, as the API shows it."""
        return objects_of(self._ask(operate.list_types), "types")

    def get_type(self, job_type: str) -> Mapping[str, Any]:
        """Returns one job type, as the API shows it."""
        return self._ask(operate.get_type, ids.type_name(job_type))

    def set_type_paused(self, job_type: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a job type, and returns the type after that. A second call has no further effect."""
        return self._ask(operate.pause_type if paused else operate.resume_type, ids.type_name(job_type))

    def limit_type(self, job_type: str, max_running: int | None) -> Mapping[str, Any]:
        """Limits how many jobs of a type run at once (1 to 100, None for no limit), and returns the type after that."""
        return self._ask(operate.limit_type, ids.type_name(job_type), max_running)

    def list_workers(
        self, *, pool: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[Mapping[str, Any]]:
        """Returns at most `limit` worker processes, ordered by pool and id, as the API shows them.

        `pool` and `state` keep only the workers of that pool or in that state.
        """
        return self._list(
            lambda size: operate.list_workers(pool=pool, state=state, page_size=size), "workers", limit
        )

    def get_worker(self, pool: str, worker_id: str) -> Mapping[str, Any]:
        """Returns one worker process, as the API shows it."""
        return self._ask(operate.get_worker, ids.pool_name(pool), ids.worker_id(worker_id))

    def order_workers(
        self,
        order: str,
        *,
        pool: str | None = None,
        state: str | None = None,
        limit: int = 50,
    ) -> Mapping[str, Any]:
        """Returns the first `limit` (1-200) workers by `load`, `free` slots or last `seen`, as the API shows them."""
        return self._send(
            operate.order_workers(cast(operate.WorkerOrder, order), pool=pool, state=state, limit=limit).at(
                None
            )
        )

    def worker_jobs(self, pool: str, worker_id: str, *, limit: int = 50) -> Mapping[str, Any]:
        """Returns the jobs that a worker runs and the latest `limit` (1-200) that it ran, as the API shows them."""
        return self._ask(operate.worker_jobs, ids.pool_name(pool), ids.worker_id(worker_id), limit=limit)

    def drain_worker(self, pool: str, worker_id: str) -> Mapping[str, Any]:
        """Asks a worker process to drain, and returns the worker after that. A second call has no further effect."""
        return self._ask(operate.drain_worker, ids.pool_name(pool), ids.worker_id(worker_id))

    def list_grants(self) -> list[Mapping[str, Any]]:
        """Returns every grant, ordered by namespace, as the API shows it."""
        return objects_of(self._ask(callers.list_grants), "grants")

    def set_grant(
        self,
        namespace: str,
        *,
        role: str = "client",
        namespaces: Sequence[str] = (),
    ) -> Mapping[str, Any]:
        """Gives a caller a role and shared namespaces, instead of those that it had, and returns the grant.

        `namespace` is the caller's ARN, `role` is "client" or "operator". A second call has no further effect.
        """
        return self._ask(callers.set_grant, namespace, role=cast(callers.Role, role), namespaces=namespaces)

    def remove_grant(self, namespace: str) -> Mapping[str, Any]:
        """Removes the grant of a caller, named by its ARN, and returns the grant as it was."""
        return self._ask(callers.remove_grant, namespace)

    def get_me(self) -> Mapping[str, Any]:
        """Returns the caller that the API sees, and the version of the deployment."""
        return self._ask(callers.get_me)

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
        return self._list(
            lambda size: callers.list_audit(
                subject=subject, caller=caller, since=since, until=until, page_size=size
            ),
            "acts",
            limit,
        )

    def list_failures(
        self,
        *,
        since: str | None = None,
        pool: str | None = None,
        job_type: str | None = None,
        code: str | None = None,
        muted: bool = False,
        cursor: str | None = None,
    ) -> Mapping[str, Any]:
        """Returns the groups of a page of failed jobs, newest jobs first, as the API shows them.

        `since` counts, and is an RFC 3339 time with a zone. `cursor` is that of the page before, which was asked for
        with the same arguments.
        """
        return self._ask(
            failures.list_failures,
            since=since,
            pool=pool,
            type=job_type,
            code=code,
            muted=muted or None,
            cursor=cursor,
        )

    def set_failures_muted(self, fingerprint: str, muted: bool) -> Mapping[str, Any]:
        """Mutes or unmutes a failure group, and returns the mute after that. A second call has no further effect."""
        make = failures.mute_failures if muted else failures.unmute_failures
        return self._ask(make, ids.fingerprint(fingerprint))

    def get_statistics(
        self,
        *,
        by: str,
        since: str | None = None,
        until: str | None = None,
        pool: str | None = None,
        job_type: str | None = None,
        step: str | None = None,
    ) -> Mapping[str, Any]:
        """Returns the figures of ended jobs, as the API shows them.

        `by` says what a row stands for, and `step` by which times each row also tells its ends. `since` counts and
        `until` does not; both are RFC 3339 times with a zone.
        """
        return self._ask(
            operate.get_statistics,
            by=cast(operate.StatisticsBy, by),
            since=since,
            until=until,
            pool=pool,
            job_type=job_type,
            step=cast(operate.StatisticsStep | None, step),
        )

    def get_status(self) -> Mapping[str, Any]:
        """Returns whether the schedules and the readers of the streams are alive, as the API shows it."""
        return self._ask(operate.get_status)

    def health(self) -> Mapping[str, Any]:
        """Returns the API's answer about its own health."""
        return self._ask(operate.health)


def _arguments(filters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Returns the parameters of a query as arguments; `from` is a keyword of Python."""
    renamed = {"from": "since", "to": "until"}
    return {renamed.get(name, name): value for name, value in filters.items()}


def _page(answer: Mapping[str, Any]) -> Page:
    raw_jobs = answer.get("jobs")
    if not isinstance(raw_jobs, list):
        raise CliError("the API answered with a page that has no jobs; is --api-url a tidegate API?")
    rest = {name: value for name, value in answer.items() if name not in ("jobs", "cursor")}
    return Page(tuple(job_view(raw) for raw in raw_jobs), answer.get("cursor"), rest)
