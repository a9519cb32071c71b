"""The client that waits for each answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tidegate_client import following
from tidegate_client.binding import call, follow, items, wait
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


class Client:
    """Calls tidegate's API by a method for each route, and waits for the answer.

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
        transport: httpx.BaseTransport | None = None,
        trust_env: bool = True,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.around = Surroundings(chance, now, retries, on_repeat, longest_wait_seconds(timeout_seconds))
        self._url = base_url(url)
        self._sleep = sleep
        self._http = httpx.Client(transport=transport, **options(auth, timeout_seconds, trust_env))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    # Jobs
    submit_job = call(jobs.submit_job)
    foresee_job = call(jobs.foresee_job)
    get_job = call(jobs.get_job)
    why = call(jobs.why)
    forecast_job = call(jobs.forecast_job)
    get_job_cost = call(jobs.get_job_cost)
    change_job = call(jobs.change_job)
    cancel_job = call(jobs.cancel_job)
    retry_job = call(jobs.retry_job)
    rerun_job = call(jobs.rerun_job)
    hold_job = call(jobs.hold_job)
    unhold_job = call(jobs.unhold_job)
    mark_job = call(jobs.mark_job)
    finish_job = call(outside.finish_job)
    fail_job = call(outside.fail_job)
    beat_job = call(outside.beat_job)
    approve_job = call(outside.approve_job)
    reject_job = call(outside.reject_job)
    cancel_jobs = call(bulk.cancel_jobs)
    retry_jobs = call(bulk.retry_jobs)
    reprioritise_jobs = call(bulk.reprioritise_jobs)
    hold_jobs = call(bulk.hold_jobs)
    unhold_jobs = call(bulk.unhold_jobs)
    read_logs = call(jobs.read_logs)
    chain = call(jobs.chain)
    list_jobs = items(jobs.list_jobs)
    dependencies = items(jobs.dependencies)
    dependents = items(jobs.dependents)
    follow_job = follow(following.follow_job)
    follow_logs = follow(following.follow_logs)
    wait_job = wait(following.wait_job)

    # Workflows
    submit_workflow = call(workflows.submit_workflow)
    foresee_workflow = call(workflows.foresee_workflow)
    get_workflow = call(workflows.get_workflow)
    get_graph = call(workflows.get_graph)
    get_states = call(workflows.get_states)
    get_critical_path = call(workflows.get_critical_path)
    forecast_workflow = call(workflows.forecast_workflow)
    what_if = call(workflows.what_if)
    get_workflow_cost = call(workflows.get_workflow_cost)
    cancel_workflow = call(workflows.cancel_workflow)
    rerun_workflow = call(workflows.rerun_workflow)
    change_workflow = call(workflows.change_workflow)
    hold_workflow = call(workflows.hold_workflow)
    unhold_workflow = call(workflows.unhold_workflow)
    list_workflows = items(workflows.list_workflows)
    list_workflow_jobs = items(workflows.list_workflow_jobs)
    follow_workflow = follow(following.follow_workflow)
    wait_workflow = wait(following.wait_workflow)

    # Timetables
    create_timetable = call(timetables.create_timetable)
    get_timetable = call(timetables.get_timetable)
    change_timetable = call(timetables.change_timetable)
    remove_timetable = call(timetables.remove_timetable)
    pause_timetable = call(timetables.pause_timetable)
    resume_timetable = call(timetables.resume_timetable)
    run_timetable = call(timetables.run_timetable)
    count_backfill = call(timetables.count_backfill)
    backfill = call(timetables.backfill)
    next_runs = call(timetables.next_runs)
    list_timetables = items(timetables.list_timetables)
    list_runs = items(timetables.list_runs)

    # Pools, job types, shares and workers
    list_pools = call(operate.list_pools)
    get_pool = call(operate.get_pool)
    pause_pool = call(operate.pause_pool)
    resume_pool = call(operate.resume_pool)
    redrive_pool = call(operate.redrive_pool)
    list_shares = call(operate.list_shares)
    get_share = call(operate.get_share)
    set_share = call(operate.set_share)
    remove_share = call(operate.remove_share)
    list_types = call(operate.list_types)
    get_type = call(operate.get_type)
    pause_type = call(operate.pause_type)
    resume_type = call(operate.resume_type)
    limit_type = call(operate.limit_type)
    get_worker = call(operate.get_worker)
    worker_jobs = call(operate.worker_jobs)
    drain_worker = call(operate.drain_worker)
    get_statistics = call(operate.get_statistics)
    get_status = call(operate.get_status)
    health = call(operate.health)
    list_workers = items(operate.list_workers)
    order_workers = items(operate.order_workers)

    # Webhooks
    list_webhooks = call(webhooks.list_webhooks)
    get_webhook = call(webhooks.get_webhook)
    create_webhook = call(webhooks.create_webhook)
    change_webhook = call(webhooks.change_webhook)
    remove_webhook = call(webhooks.remove_webhook)
    rotate_webhook = call(webhooks.rotate_webhook)
    enable_webhook = call(webhooks.enable_webhook)
    disable_webhook = call(webhooks.disable_webhook)
    try_webhook = call(webhooks.try_webhook)
    list_deliveries = items(webhooks.list_deliveries)

    # Failures
    list_failures = call(failures.list_failures)
    mute_failures = call(failures.mute_failures)
    unmute_failures = call(failures.unmute_failures)

    # Callers
    get_me = call(callers.get_me)
    list_grants = call(callers.list_grants)
    set_grant = call(callers.set_grant)
    remove_grant = call(callers.remove_grant)
    list_audit = items(callers.list_audit)

    # The ground of all methods
    def raw(self, operation: Operation[Any]) -> Json:
        """Sends an operation, and returns the API's JSON as it came."""
        return self.run(exchange_json(operation.request, self.around))

    def run(self, flow: Flow[T]) -> T:
        """Carries a flow out, and returns its value."""
        answer: Answer | Lost | None = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            answer = self._carry_out(step)

    def stream(self, flow: Stream[T]) -> Iterator[T]:
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
                answer = self._carry_out(step)

    def _carry_out(self, step: Send | Sleep) -> Answer | Lost | None:
        if isinstance(step, Sleep):
            self._sleep(step.seconds)
            return None
        sent = step.request
        try:
            return answer_of(
                self._http.request(
                    sent.method, self._url + sent.target, content=step.content, headers=headers_of(sent)
                )
            )
        except httpx.TransportError as error:
            return lost(error)
