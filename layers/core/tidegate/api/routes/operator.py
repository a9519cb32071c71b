"""The routes of operators: pools, job types and their rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import body_of, deps_of, refuse_other_parameters
from tidegate.contracts.pool_responses import (
    CountOut,
    LoadOut,
    OneTypeOut,
    PoolList,
    PoolOut,
    TypeList,
    TypeOut,
    pool_out,
    type_out,
)
from tidegate.contracts.requests import read_no_options, read_type_limit
from tidegate.domain.announcements import Announcement
from tidegate.domain.audit import Details
from tidegate.domain.rules import DispatchRules
from tidegate.usecases.operate import set_rules
from tidegate.usecases.read import status

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/pools")
def list_pools() -> Response[str]:
    """Returns every pool with its load."""
    refuse_other_parameters(router)
    deps = deps_of(router)
    found = status.pool_statuses(deps.services, deps.services.rules.load(), now_ms=deps.clock.now_ms())
    return answer_with(HTTPStatus.OK, PoolList(pools=[_pool_view(each) for each in found]))


@router.get("/v1/pools/<pool>")
def get_pool(pool: str) -> Response[str]:
    """Returns one pool with its load."""
    refuse_other_parameters(router)
    return _pool_answer(pool, deps_of(router).services.rules.load())


@router.post("/v1/pools/<pool>/pause")
def pause_pool(pool: str) -> Response[str]:
    """Pauses a pool: no further job is dispatched to it."""
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    return _pool_answer(pool, _set("pool.pause", _pool_rule, set_rules.pause_pool, pool))


@router.post("/v1/pools/<pool>/resume")
def resume_pool(pool: str) -> Response[str]:
    """Resumes a pool: jobs are dispatched to it again."""
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    return _pool_answer(pool, _set("pool.resume", _pool_rule, set_rules.resume_pool, pool))


@router.get("/v1/types")
def list_types() -> Response[str]:
    """Returns every job type with its rule."""
    refuse_other_parameters(router)
    services = deps_of(router).services
    found = status.type_statuses(services, services.rules.load())
    return answer_with(HTTPStatus.OK, TypeList(types=_type_views(found)))


@router.get("/v1/types/<job_type>")
def get_type(job_type: str) -> Response[str]:
    """Returns one job type with its rule."""
    refuse_other_parameters(router)
    return _type_answer(job_type, deps_of(router).services.rules.load())


@router.post("/v1/types/<job_type>/pause")
def pause_type(job_type: str) -> Response[str]:
    """Pauses a job type: no further job of it is dispatched."""
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    return _type_answer(job_type, _set("type.pause", _type_rule, set_rules.pause_type, job_type))


@router.post("/v1/types/<job_type>/resume")
def resume_type(job_type: str) -> Response[str]:
    """Resumes a job type: its jobs are dispatched again."""
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    return _type_answer(job_type, _set("type.resume", _type_rule, set_rules.resume_type, job_type))


@router.put("/v1/types/<job_type>/limit")
def limit_type(job_type: str) -> Response[str]:
    """Limits how many jobs of a type run at once."""
    refuse_other_parameters(router)
    limit = read_type_limit(body_of(router))
    return _type_answer(job_type, _set("type.limit", _type_rule, set_rules.limit_type, job_type, limit))


def _set(
    act: str,
    rule: Callable[[DispatchRules, str], Details],
    change: Callable[..., DispatchRules],
    name: str,
    *arguments: object,
) -> DispatchRules:
    deps = deps_of(router)
    with audited_act(router, act, name) as record:
        standing = deps.services.rules.load()
        rules = change(deps.services, name, *arguments, caller=caller_of(router), now_ms=deps.clock.now_ms())
        record.change(before=rule(standing, name), after=rule(rules, name))
    return rules


def _pool_rule(rules: DispatchRules, pool: str) -> Details:
    return {"paused": rules.is_paused(pool)}


def _type_rule(rules: DispatchRules, job_type: str) -> Details:
    rule = rules.type_rule(job_type)
    return {"paused": rule.paused, "max_running": rule.max_running}


def _pool_answer(pool: str, rules: DispatchRules) -> Response[str]:
    deps = deps_of(router)
    found = status.pool_status(deps.services, pool, rules, now_ms=deps.clock.now_ms())
    return answer_with(HTTPStatus.OK, _pool_view(found))


def _type_answer(job_type: str, rules: DispatchRules) -> Response[str]:
    deps = deps_of(router)
    (view,) = _type_views([status.type_status(deps.services, job_type, rules)])
    known, announcement = deps.describe(job_type), deps.announced(job_type)
    schema = None if known is None else known.parameters_schema
    one: OneTypeOut = {
        **view,
        "parameters_schema": schema if announcement is None else announcement.described.schema,
    }
    return answer_with(HTTPStatus.OK, one)


def _pool_view(found: status.PoolStatus) -> PoolOut:
    return pool_out(
        found.name,
        found.pool,
        window=deps_of(router).services.settings.window,
        load=_load_view(found.load),
        paused=found.paused,
        paused_change=found.paused_change,
    )


def _load_view(load: status.PoolLoad) -> LoadOut:
    return {
        "capacity": load.capacity,
        "workers": load.workers,
        "ready": _count_view(load.ready),
        "held": _count_view(load.held),
        "active": _count_view(load.active),
        "limited": dict(load.limited),
        "fault": load.fault,
    }


def _count_view(found: status.BoundedCount) -> CountOut:
    return {"count": found.count, "more": found.more}


def _type_views(found: Sequence[status.TypeStatus]) -> list[TypeOut]:
    deps = deps_of(router)
    announced = {each.type: one for each in found if (one := deps.announced(each.type)) is not None}
    workers = status.workers_with_types(deps.services, announced.values(), now_ms=deps.clock.now_ms())
    return [_type_view(each, announced.get(each.type), workers.get(each.type, 0)) for each in found]


def _type_view(found: status.TypeStatus, announcement: Announcement | None, live_workers: int) -> TypeOut:
    known = deps_of(router).describe(found.type)
    description = "" if known is None else known.description
    return type_out(
        found.type,
        description if announcement is None else announcement.described.description,
        found.registered,
        found.may_run_twice,
        found.rule,
        found.paused_change,
        found.limit_change,
        announcement,
        live_workers,
    )


refuse_other_methods(router, "/v1/pools", "GET")
refuse_other_methods(router, "/v1/pools/<pool>", "GET")
refuse_other_methods(router, "/v1/pools/<pool>/pause", "POST")
refuse_other_methods(router, "/v1/pools/<pool>/resume", "POST")
refuse_other_methods(router, "/v1/types", "GET")
refuse_other_methods(router, "/v1/types/<job_type>", "GET")
refuse_other_methods(router, "/v1/types/<job_type>/pause", "POST")
refuse_other_methods(router, "/v1/types/<job_type>/resume", "POST")
refuse_other_methods(router, "/v1/types/<job_type>/limit", "PUT")
