"""The client for programs with an event loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tidegate_client import following
from tidegate_client.binding import async_call, async_follow, async_items, async_wait
from tidegate_client.exchange import (
    DEFAULT_RETRIES,
    Emit,
    Flow,
    RetryPolicy,
    Send,
    Sleep,
    Stream,
    Surroundings,
    exchange_json,
)
from tidegate_client.http import answer_of, base_url, headers_of, longest_wait_seconds, lost, nothing, options
from tidegate_client.operations import (
    bulk,
    callers,
    failures,
    jobs,
    operate,
    outside,
    timetables,
    webhooks,
    workflows,
)
from tidegate_client.wire import Answer, Json, Lost, Operation, Request

T = TypeVar("T")


class AsyncClient:
    """Calls tidegate's API by a coroutine method for each route. It has the methods of `Client`.

    `url` is the stack's output ApiUrl. `auth` authorizes each request: `SigV4` of `tidegate_client.sigv4`, or `Bearer`.
    A request is bounded by `timeout_seconds`, and repeated as `retries` says; `on_repeat` is called with the request
    and the answer, or its loss, before each repeat. `transport`, `sleep`, `chance` and `now` are for tests.

    Every method may raise ApiError (the API refused), Unreachable (no answer), UnexpectedAnswer (not this API's), and
    InvalidArgument (no request can be made of the arguments).
    """

    def __init__(
        self,
        url: str,
        *,
        auth: httpx.Auth | None = None,
        retries: RetryPolicy = DEFAULT_RETRIES,
        timeout_seconds: float = 35.0,  # API Gateway answers within 29 s at the latest
        on_repeat: Callable[[Request, Answer | Lost], None] = nothing,
        transport: httpx.AsyncBaseTransport | None = None,
        trust_env: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.around = Surroundings(chance, now, retries, on_repeat, longest_wait_seconds(timeout_seconds))
        self._url = base_url(url)
        self._sleep = sleep
        self._http = httpx.AsyncClient(transport=transport, **options(auth, timeout_seconds, trust_env))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    # Jobs
    submit_job = async_call(jobs.submit_job)
    foresee_job = async_call(jobs.foresee_job)
    get_job = async_call(jobs.get_job)
    why = async_call(jobs.why)
    forecast_job = async_call(jobs.forecast_job)
    get_job_cost = async_call(jobs.get_job_cost)
    change_job = async_call(jobs.change_job)
    cancel_job = async_call(jobs.cancel_job)
    retry_job = async_call(jobs.retry_job)
    rerun_job = async_call(jobs.rerun_job)
    hold_job = async_call(jobs.hold_job)
    unhold_job = async_call(jobs.unhold_job)
    mark_job = async_call(jobs.mark_job)
    finish_job = async_call(outside.finish_job)
    fail_job = async_call(outside.fail_job)
    beat_job = async_call(outside.beat_job)
    approve_job = async_call(outside.approve_job)
    reject_job = async_call(outside.reject_job)
    cancel_jobs = async_call(bulk.cancel_jobs)
    retry_jobs = async_call(bulk.retry_jobs)
    reprioritise_jobs = async_call(bulk.reprioritise_jobs)
    hold_jobs = async_call(bulk.hold_jobs)
    unhold_jobs = async_call(bulk.unhold_jobs)
    read_logs = async_call(jobs.read_logs)
    chain = async_call(jobs.chain)
    list_jobs = async_items(jobs.list_jobs)
    dependencies = async_items(jobs.dependencies)
    dependents = async_items(jobs.dependents)
    follow_job = async_follow(following.follow_job)
    follow_logs = async_follow(following.follow_logs)
    wait_job = async_wait(following.wait_job)

    # Workflows
    submit_workflow = async_call(workflows.submit_workflow)
    foresee_workflow = async_call(workflows.foresee_workflow)
    get_workflow = async_call(workflows.get_workflow)
    get_graph = async_call(workflows.get_graph)
    get_states = async_call(workflows.get_states)
    get_critical_path = async_call(workflows.get_critical_path)
    forecast_workflow = async_call(workflows.forecast_workflow)
    what_if = async_call(workflows.what_if)
    get_workflow_cost = async_call(workflows.get_workflow_cost)
    cancel_workflow = async_call(workflows.cancel_workflow)
    rerun_workflow = async_call(workflows.rerun_workflow)
    change_workflow = async_call(workflows.change_workflow)
    hold_workflow = async_call(workflows.hold_workflow)
    unhold_workflow = async_call(workflows.unhold_workflow)
    list_workflows = async_items(workflows.list_workflows)
    list_workflow_jobs = async_items(workflows.list_workflow_jobs)
    follow_workflow = async_follow(following.follow_workflow)
    wait_workflow = async_wait(following.wait_workflow)

    # Timetables
    create_timetable = async_call(timetables.create_timetable)
    get_timetable = async_call(timetables.get_timetable)
    change_timetable = async_call(timetables.change_timetable)
    remove_timetable = async_call(timetables.remove_timetable)
    pause_timetable = async_call(timetables.pause_timetable)
    resume_timetable = async_call(timetables.resume_timetable)
    run_timetable = async_call(timetables.run_timetable)
    count_backfill = async_call(timetables.count_backfill)
    backfill = async_call(timetables.backfill)
    next_runs = async_call(timetables.next_runs)
    list_timetables = async_items(timetables.list_timetables)
    list_runs = async_items(timetables.list_runs)

    # Pools, job types, shares and workers
    list_pools = async_call(operate.list_pools)
    get_pool = async_call(operate.get_pool)
    pause_pool = async_call(operate.pause_pool)
    resume_pool = async_call(operate.resume_pool)
    redrive_pool = async_call(operate.redrive_pool)
    list_shares = async_call(operate.list_shares)
    get_share = async_call(operate.get_share)
    set_share = async_call(operate.set_share)
    remove_share = async_call(operate.remove_share)
    list_types = async_call(operate.list_types)
    get_type = async_call(operate.get_type)
    pause_type = async_call(operate.pause_type)
    resume_type = async_call(operate.resume_type)
    limit_type = async_call(operate.limit_type)
    get_worker = async_call(operate.get_worker)
    worker_jobs = async_call(operate.worker_jobs)
    drain_worker = async_call(operate.drain_worker)
    get_statistics = async_call(operate.get_statistics)
    get_status = async_call(operate.get_status)
    health = async_call(operate.health)
    list_workers = async_items(operate.list_workers)
    order_workers = async_items(operate.order_workers)

    # Webhooks
    list_webhooks = async_call(webhooks.list_webhooks)
    get_webhook = async_call(webhooks.get_webhook)
    create_webhook = async_call(webhooks.create_webhook)
    change_webhook = async_call(webhooks.change_webhook)
    remove_webhook = async_call(webhooks.remove_webhook)
    rotate_webhook = async_call(webhooks.rotate_webhook)
    enable_webhook = async_call(webhooks.enable_webhook)
    disable_webhook = async_call(webhooks.disable_webhook)
    try_webhook = async_call(webhooks.try_webhook)
    list_deliveries = async_items(webhooks.list_deliveries)

    # Failures
    list_failures = async_call(failures.list_failures)
    mute_failures = async_call(failures.mute_failures)
    unmute_failures = async_call(failures.unmute_failures)

    # Callers
    get_me = async_call(callers.get_me)
    list_grants = async_call(callers.list_grants)
    set_grant = async_call(callers.set_grant)
    remove_grant = async_call(callers.remove_grant)
    list_audit = async_items(callers.list_audit)

    # The ground of all methods
    async def raw(self, operation: Operation[Any]) -> Json:
        """Sends an operation, and returns the API's JSON as it came."""
        return await self.run(exchange_json(operation.request, self.around))

    async def run(self, flow: Flow[T]) -> T:
        """Carries a flow out, and returns its value."""
        answer: Answer | Lost | None = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            answer = await self._carry_out(step)

    async def stream(self, flow: Stream[T]) -> AsyncIterator[T]:
        """Carries a flow out as far as the caller asks for values."""
        answer: Answer | Lost | None = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration:
                return
            if isinstance(step, Emit):
                answer = None
                yield step.value
            else:
                answer = await self._carry_out(step)

    async def _carry_out(self, step: Send | Sleep) -> Answer | Lost | None:
        if isinstance(step, Sleep):
            await self._sleep(step.seconds)
            return None
        sent = step.request
        try:
            return answer_of(
                await self._http.request(
                    sent.method, self._url + sent.target, content=step.content, headers=headers_of(sent)
                )
            )
        except httpx.TransportError as error:
            return lost(error)
