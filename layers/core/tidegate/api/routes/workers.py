"""The routes of worker processes."""

from __future__ import annotations

import re
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, page_answer
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import body_of, deps_of, id_of, limit_of, refuse_other_parameters
from tidegate.contracts.pool_responses import WorkerOut, WorkerPageOut, worker_out
from tidegate.contracts.requests import read_no_options
from tidegate.contracts.worker_jobs import worker_jobs_out
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.workers import WORKER_ID, Worker, WorkerState
from tidegate.usecases.operate import drain
from tidegate.usecases.read import workers
from tidegate.usecases.read.worker_jobs import jobs_of_worker

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations
_POOL = re.compile(rf".{{1,{limits.MAX_POOL_CHARACTERS}}}")


def _view(worker: Worker) -> WorkerOut:
    deps = deps_of(router)
    now_ms = deps.clock.now_ms()
    return worker_out(worker, deps.services.settings.worker_silent_since_ms(now_ms), now_ms)


def _key(pool: str, worker_id: str) -> tuple[str, str]:
    return id_of("pool", pool, _POOL), id_of("worker", worker_id, WORKER_ID)


@router.get("/v1/workers")
def list_workers() -> Response[str]:
    """Returns a page of the workers of one pool or all, in one state or all; with `order` the first in that order."""
    refuse_other_parameters(router, "state", "pool", "order", "limit", "cursor")
    services, parameters = deps_of(router).services, router.current_event.query_string_parameters
    state, pool = parameters.get("state"), parameters.get("pool")
    cursor = cursor_of(router)
    if state is not None and state not in WorkerState.__members__:
        raise InvalidRequest.of("state", f"must be one of {', '.join(WorkerState)}")
    wanted = None if state is None else WorkerState(state)
    order = parameters.get("order")
    if order is not None:
        return _in_order(order, pool, wanted, cursor)

    def read(limit: int) -> WorkerPageOut:
        listing = workers.list_workers(services, pool=pool, state=wanted, cursor=cursor, limit=limit)
        return {
            "workers": [_view(worker) for worker in listing.workers],
            "cursor": next_cursor(router, listing.cursor),
        }

    return page_answer(router, read)


def _in_order(order: str, pool: str | None, state: WorkerState | None, cursor: str | None) -> Response[str]:
    if order not in list(workers.WorkerOrder):
        raise InvalidRequest.of("order", f"must be one of {', '.join(workers.WorkerOrder)}")
    if cursor is not None:
        raise InvalidRequest.of("cursor", "means nothing with order, which has one page: leave it out")
    deps = deps_of(router)

    def read(limit: int) -> WorkerPageOut:
        found = workers.order_workers(
            deps.services,
            workers.WorkerOrder(order),
            pool=pool,
            state=state,
            limit=limit,
            silent_since_ms=deps.services.settings.worker_silent_since_ms(deps.clock.now_ms()),
        )
        return {"workers": [_view(each) for each in found.workers], "cursor": None, "complete": found.is_all}

    return page_answer(router, read)


@router.get("/v1/workers/<pool>/<worker_id>/jobs")
def get_worker_jobs(pool: str, worker_id: str) -> Response[str]:
    """Returns the jobs that a worker runs and those that it ran lately. Workers of the function count too."""
    refuse_other_parameters(router, "limit")
    found = jobs_of_worker(deps_of(router).services, *_key(pool, worker_id), limit=limit_of(router))
    body = worker_jobs_out(
        found.running, found.ended, complete=found.is_all_active, ended_since_ms=found.ended_since_ms
    )
    return answer_with(HTTPStatus.OK, body)


@router.get("/v1/workers/<pool>/<worker_id>")
def get_worker(pool: str, worker_id: str) -> Response[str]:
    """Returns one worker."""
    refuse_other_parameters(router)
    return answer_with(
        HTTPStatus.OK, _view(workers.get_worker(deps_of(router).services, *_key(pool, worker_id)))
    )


@router.post("/v1/workers/<pool>/<worker_id>/drain")
def drain_worker(pool: str, worker_id: str) -> Response[str]:
    """Asks a worker to take no more jobs and to leave. Answers 202 with the worker."""
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    deps, key = deps_of(router), _key(pool, worker_id)
    with audited_act(router, "worker.drain", *key) as record:
        standing = workers.get_worker(deps.services, *key)
        worker = drain.drain_worker(deps.services, *key, caller=caller_of(router), now_ms=deps.clock.now_ms())
        record.change(before={"state": str(standing.state)}, after={"state": str(worker.state)})
    return answer_with(HTTPStatus.ACCEPTED, _view(worker))


refuse_other_methods(router, "/v1/workers", "GET")
refuse_other_methods(router, "/v1/workers/<pool>/<worker_id>", "GET")
refuse_other_methods(router, "/v1/workers/<pool>/<worker_id>/drain", "POST")
refuse_other_methods(router, "/v1/workers/<pool>/<worker_id>/jobs", "GET")
