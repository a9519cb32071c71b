"""Rules that operators set, and the checks before anything is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.people.callers import caller_named
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain.errors import InvalidRequest, UnknownName
from tidegate.domain.limits import MAX_TYPE_LIMIT
from tidegate.domain.rules import DispatchRules, RuleChange, RuleKind, TypeRule
from tidegate.usecases.operate import set_rules

TYPE = "tidegate.noop"


@pytest.fixture
def services() -> Services:
    return memory_services(SETTINGS)[0]


def test_a_pool_is_held_back_until_it_is_resumed(services: Services) -> None:
    for _ in range(2):
        assert set_rules.pause_pool(services, "ecs", caller=caller_named("ann"), now_ms=NOW_MS).is_paused(
            "ecs"
        )
    for _ in range(2):
        assert not set_rules.resume_pool(
            services, "ecs", caller=caller_named("bob"), now_ms=NOW_MS + 1
        ).is_paused("ecs")
    assert services.rules.load().changes == {
        (RuleKind.POOL_PAUSED, "ecs"): RuleChange("bob", NOW_MS + 1),
    }


def test_a_type_is_held_back_and_limited(services: Services) -> None:
    for _ in range(2):
        set_rules.pause_type(services, TYPE, caller=caller_named("ann"), now_ms=NOW_MS)
        rules = set_rules.limit_type(
            services, TYPE, MAX_TYPE_LIMIT, caller=caller_named("ann"), now_ms=NOW_MS
        )
        assert rules.type_rule(TYPE) == TypeRule(paused=True, max_running=MAX_TYPE_LIMIT)
    for _ in range(2):
        set_rules.resume_type(services, TYPE, caller=caller_named("ann"), now_ms=NOW_MS)
        rules = set_rules.limit_type(services, TYPE, None, caller=caller_named("ann"), now_ms=NOW_MS)
        assert rules.types == {}


@pytest.mark.parametrize("change", [set_rules.pause_pool, set_rules.resume_pool])
def test_an_unknown_pool_is_refused(services: Services, change: Callable[..., DispatchRules]) -> None:
    with pytest.raises(UnknownName, match="pool: unknown pool 'esc'; pools are ecs, lambda"):
        change(services, "esc", caller=caller_named("ann"), now_ms=NOW_MS)
    assert services.rules.load() == DispatchRules()


@pytest.mark.parametrize(
    "change",
    [
        set_rules.pause_type,
        set_rules.resume_type,
        lambda services, name, **who: set_rules.limit_type(services, name, 3, **who),
    ],
)
def test_an_unknown_type_is_refused(services: Services, change: Callable[..., DispatchRules]) -> None:
    with pytest.raises(UnknownName, match=r"type: unknown type 'tidegate\.nap'; types are .*tidegate\.noop"):
        change(services, "tidegate.nap", caller=caller_named("ann"), now_ms=NOW_MS)
    assert services.rules.load() == DispatchRules()


@pytest.mark.parametrize("limit", [0, -1, MAX_TYPE_LIMIT + 1])
def test_a_limit_out_of_bounds_is_refused(services: Services, limit: int) -> None:
    with pytest.raises(InvalidRequest, match=f"max_running: is {limit}; it must be from 1 to 100"):
        set_rules.limit_type(services, TYPE, limit, caller=caller_named("ann"), now_ms=NOW_MS)
    assert services.rules.load() == DispatchRules()
