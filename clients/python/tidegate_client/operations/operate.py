"""The routes of pools, job types, shares and workers."""

from __future__ import annotations

from typing import Literal

from tidegate_client.models.base import list_reader, page_reader, reader
from tidegate_client.models.operate import Health, JobType, Pool, Redriven, Share, Status, Worker, WorkerJobs
from tidegate_client.models.statistics import Statistics
from tidegate_client.operations.jobs import Moment, moment, set_options
from tidegate_client.wire import Listing, Operation, request

StatisticsBy = Literal["pool", "type", "share", "worker", "hour", "day"]
"""The key of a row of statistics."""
StatisticsStep = Literal["hour", "day"]
"""The length of the steps into which each row of statistics is divided."""
WorkerOrder = Literal["load", "free", "seen"]
"""The order of workers: by load, by free slots, or by the last sign of life, the highest or latest first."""


def list_pools() -> Operation[tuple[Pool, ...]]:
    """Lists the pools with their load."""
    return Operation(request("GET", "/v1/pools"), list_reader(Pool, "pools"))


def get_pool(pool: str) -> Operation[Pool]:
    """Reads one pool. Raises NotFound."""
    return Operation(request("GET", "/v1/pools/{}", pool), reader(Pool))


def pause_pool(pool: str) -> Operation[Pool]:
    """Stops dispatching in a pool, and returns the pool after that. A second call has no further effect."""
    return Operation(request("POST", "/v1/pools/{}/pause", pool), reader(Pool))


def resume_pool(pool: str) -> Operation[Pool]:
    """Dispatches in a pool again, and returns the pool after that. A second call has no further effect."""
    return Operation(request("POST", "/v1/pools/{}/resume", pool), reader(Pool))


def redrive_pool(
    pool: str, *, limit: int | None = None, cursor: str | None = None, dry_run: bool = False
) -> Operation[Redriven]:
    """Retries the jobs whose messages the pool's queue gave up.

    It looks at most at `limit` of them, and at those after `cursor`, which the answer before had. `dry_run` changes
    nothing.
    """
    body = set_options(dry_run=dry_run)
    sent = request("POST", "/v1/pools/{}/redrive", pool, body=body, limit=limit, cursor=cursor)
    return Operation(sent, reader(Redriven))


def list_shares(pool: str) -> Operation[tuple[Share, ...]]:
    """Lists the shares of a pool by name."""
    return Operation(request("GET", "/v1/pools/{}/shares", pool), list_reader(Share, "shares"))


def get_share(pool: str, share: str) -> Operation[Share]:
    """Reads one share of a pool. Raises NotFound."""
    return Operation(request("GET", "/v1/pools/{}/shares/{}", pool, share), reader(Share))


def set_share(
    pool: str,
    share: str,
    *,
    weight: int = 1,
    max_priority: int | None = None,
    max_waiting: int | None = None,
) -> Operation[Share]:
    """Makes a share of a pool, or gives it another weight and other bounds, and returns it.

    `weight` is 1 to 1,000. Its jobs have at most `max_priority` (1 to 1,000), and `max_waiting` (1 to 1,000) of them
    may wait; None sets no bound.
    """
    body = {"weight": weight, "max_priority": max_priority, "max_waiting": max_waiting}
    return Operation(request("PUT", "/v1/pools/{}/shares/{}", pool, share, body=body), reader(Share))


def remove_share(pool: str, share: str) -> Operation[Share]:
    """Removes a share of a pool, and returns it as it was. Its jobs that wait are still dispatched."""
    return Operation(request("DELETE", "/v1/pools/{}/shares/{}", pool, share), reader(Share))


def list_types() -> Operation[tuple[JobType, ...]]:
    """Lists the registered job types with their rules, without the schemas of their parameters."""
    return Operation(request("GET", "/v1/types"), list_reader(JobType, "types"))


def get_type(job_type: str) -> Operation[JobType]:
    """Reads one job type, with the JSON Schema of its parameters. Raises NotFound."""
    return Operation(request("GET", "/v1/types/{}", job_type), reader(JobType))


def pause_type(job_type: str) -> Operation[JobType]:
    """Stops dispatching jobs of a type, and returns the type after that. A second call has no further effect."""
    return Operation(request("POST", "/v1/types/{}/pause", job_type), reader(JobType))


def resume_type(job_type: str) -> Operation[JobType]:
    """Dispatches jobs of a type again, and returns the type after that. A second call has no further effect."""
    return Operation(request("POST", "/v1/types/{}/resume", job_type), reader(JobType))


def limit_type(job_type: str, max_running: int | None) -> Operation[JobType]:
    """Limits how many jobs of a type run at once (1 to 100, None for no limit), and returns the type after that."""
    body = {"max_running": max_running}
    return Operation(request("PUT", "/v1/types/{}/limit", job_type, body=body), reader(JobType))


def list_workers(
    *, pool: str | None = None, state: str | None = None, page_size: int | None = None
) -> Listing[Worker]:
    """Lists worker processes by pool and id; `pool` and `state` keep only those of that pool or in that state."""
    sent = request("GET", "/v1/workers", pool=pool, state=state, limit=page_size)
    return Listing(sent, page_reader(Worker, "workers"))


def order_workers(
    order: WorkerOrder,
    *,
    pool: str | None = None,
    state: str | None = None,
    limit: int | None = None,
) -> Listing[Worker]:
    """Lists the first `limit` (1 to 200) workers by load, free slots or last sign of life. It is a single page.

    The `complete` of the page's `raw` says if all workers were looked at.
    """
    sent = request("GET", "/v1/workers", order=order, pool=pool, state=state, limit=limit)
    return Listing(sent, page_reader(Worker, "workers"))


def get_worker(pool: str, worker_id: str) -> Operation[Worker]:
    """Reads one worker process. Raises NotFound."""
    return Operation(request("GET", "/v1/workers/{}/{}", pool, worker_id), reader(Worker))


def worker_jobs(pool: str, worker_id: str, *, limit: int | None = None) -> Operation[WorkerJobs]:
    """Reads the jobs that a worker runs, and the latest `limit` (1 to 200) that it ran."""
    sent = request("GET", "/v1/workers/{}/{}/jobs", pool, worker_id, limit=limit)
    return Operation(sent, reader(WorkerJobs))


def drain_worker(pool: str, worker_id: str) -> Operation[Worker]:
    """Asks a worker process to drain, and returns it after that. Raises Conflict if it is INACTIVE or LOST."""
    return Operation(request("POST", "/v1/workers/{}/{}/drain", pool, worker_id), reader(Worker))


def health() -> Operation[Health]:
    """Reads the gateway's constant answer, which says that the API is reachable."""
    return Operation(request("GET", "/v1/health"), reader(Health))


def get_statistics(
    *,
    by: StatisticsBy | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    pool: str | None = None,
    job_type: str | None = None,
    step: StatisticsStep | None = None,
) -> Operation[Statistics]:
    """Counts the jobs that ended from `since` on and before `until`, by default in the last 24 hours.

    `by` says what a row stands for, a pool by default. `pool` and `job_type` count the jobs of one alone; `job_type`
    does not go with shares and workers. With `step` each row also counts its ends in each hour or day.
    """
    sent = request(
        "GET",
        "/v1/stats",
        by=by,
        step=step,
        from_=moment(since),
        to=moment(until),
        pool=pool,
        type=job_type,
    )
    return Operation(sent, reader(Statistics))


def get_status() -> Operation[Status]:
    """Reads whether the deployment's schedules and streams are alive."""
    return Operation(request("GET", "/v1/status"), reader(Status))
