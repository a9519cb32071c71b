"""Every store of rules behaves the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb import rules as dynamodb_rules
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.rules import MAPS
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.adapters.dynamodb.values import encode_item
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, ServiceUnavailable
from tidegate.domain.rules import DispatchRules, RuleChange, RuleKind, TypeRule, most_rules

TYPE = "report.build-2.last_one"


def at(number: int) -> int:
    return NOW_MS + number


def test_without_the_item_there_are_no_rules(stores: Stores) -> None:
    assert stores.rules.load() == DispatchRules()


def test_each_rule_is_set_and_taken_off_by_itself(stores: Stores) -> None:
    rules = stores.rules
    rules.set_pool_paused("ecs", True, actor="ann", now_ms=at(1))
    rules.set_type_paused(TYPE, True, actor="bob", now_ms=at(2))
    after = rules.set_type_limit(TYPE, 3, actor="cyd", now_ms=at(3))
    assert after == rules.load()
    assert after.paused_pools == {"ecs"}
    assert after.types == {TYPE: TypeRule(paused=True, max_running=3)}
    assert rules.set_type_paused(TYPE, False, actor="dee", now_ms=at(4)).types == {TYPE: TypeRule(False, 3)}
    assert rules.set_pool_paused("ecs", False, actor="eve", now_ms=at(5)).paused_pools == frozenset()
    assert rules.set_type_limit(TYPE, 100, actor="fay", now_ms=at(6)).type_rule(TYPE).max_running == 100
    after = rules.set_type_limit(TYPE, None, actor="fay", now_ms=at(7))
    assert (after.paused_pools, after.types) == (frozenset(), {})
    assert after == rules.load()


def test_failures_are_muted_beside_other_rules_and_hold_no_job_back(stores: Stores) -> None:
    rules = stores.rules
    rules.set_type_limit(TYPE, 3, actor="ann", now_ms=at(1))
    after = rules.set_failure_muted("3f2a91c07b5d8e64", True, actor="bob", now_ms=at(2))
    assert after == rules.load()
    assert after.muted_failures == {"3f2a91c07b5d8e64"}
    assert after.types == {TYPE: TypeRule(max_running=3)}
    assert after.mute_of("3f2a91c07b5d8e64") == RuleChange("bob", at(2))
    after = rules.set_failure_muted("3f2a91c07b5d8e64", False, actor="cyd", now_ms=at(3))
    assert after.mute_of("3f2a91c07b5d8e64") is None
    assert after.last_change(RuleKind.FAILURE_MUTED, "3f2a91c07b5d8e64") == RuleChange("cyd", at(3))
    assert after == rules.load()


def test_so_many_failures_are_muted_at_most(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MUTED_FAILURES", 1)
    stores.rules.set_failure_muted("0" * 16, True, actor="ann", now_ms=at(1))
    with pytest.raises(InvalidRequest, match="unmute another first") as refused:
        stores.rules.set_failure_muted("1" * 16, True, actor="ann", now_ms=at(2))
    assert [violation.field for violation in refused.value.violations] == ["fingerprint"]


def test_who_changed_what_last_is_kept(stores: Stores) -> None:
    rules = stores.rules
    rules.set_type_limit(TYPE, 3, actor="ann", now_ms=at(1))
    rules.set_pool_paused("ecs", True, actor="bob", now_ms=at(2))
    rules.set_type_limit(TYPE, None, actor="cyd", now_ms=at(3))
    assert rules.load().changes == {
        (RuleKind.TYPE_LIMIT, TYPE): RuleChange("cyd", at(3)),
        (RuleKind.POOL_PAUSED, "ecs"): RuleChange("bob", at(2)),
    }


def test_setting_what_is_set_changes_nothing(stores: Stores) -> None:
    rules = stores.rules
    first = rules.set_pool_paused("ecs", True, actor="ann", now_ms=at(1))
    assert rules.set_pool_paused("ecs", True, actor="bob", now_ms=at(2)) == first
    limited = rules.set_type_limit(TYPE, 3, actor="ann", now_ms=at(3))
    assert rules.set_type_limit(TYPE, 3, actor="bob", now_ms=at(4)) == limited
    assert rules.load() == limited


def test_taking_off_what_was_never_set_changes_nothing(stores: Stores) -> None:
    rules = stores.rules
    assert rules.set_pool_paused("ecs", False, actor="ann", now_ms=at(1)) == DispatchRules()
    rules.set_pool_paused("lambda", True, actor="ann", now_ms=at(1))
    before = rules.load()
    assert rules.set_pool_paused("ecs", False, actor="ann", now_ms=at(2)) == before
    assert rules.set_type_limit(TYPE, None, actor="ann", now_ms=at(2)) == before
    assert rules.load() == before


def test_operators_at_the_same_time_lose_no_change(stores: Stores) -> None:
    if stores.clients is not None and stores.clients.dynamodb.meta.endpoint_url.endswith("amazonaws.com"):
        pytest.skip("moto's tables are plain dictionaries")
    rules = stores.rules

    def change(number: int) -> None:
        calls: tuple[Callable[[], object], ...] = (
            lambda: rules.set_pool_paused(f"p{number}", True, actor="ann", now_ms=at(number)),
            lambda: rules.set_type_paused(f"t{number // 3}", True, actor="bob", now_ms=at(number)),
            lambda: rules.set_type_limit(f"t{number // 3}", 1 + number // 3, actor="cyd", now_ms=at(number)),
        )
        calls[number % 3]()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(change, range(24)))
    loaded = rules.load()
    assert loaded.paused_pools == {f"p{number}" for number in range(0, 24, 3)}
    assert loaded.types == {f"t{number}": TypeRule(True, 1 + number) for number in range(8)}


def test_there_is_room_for_so_many_rules_and_an_idle_one_gives_way(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_RULES_PER_KIND", 3)
    rules = stores.rules
    for number in range(3):
        rules.set_type_limit(f"t{number}", 2, actor="ann", now_ms=at(number))
    before = rules.load()
    with pytest.raises(InvalidRequest, match="take the limit off another first") as refused:
        rules.set_type_limit("t3", 2, actor="ann", now_ms=at(3))
    assert [violation.field for violation in refused.value.violations] == ["type"]
    assert rules.load() == before
    rules.set_type_limit("t1", 5, actor="ann", now_ms=at(4))
    rules.set_type_paused("t3", True, actor="ann", now_ms=at(5))
    rules.set_type_limit("t2", None, actor="ann", now_ms=at(6))
    rules.set_type_limit("t0", None, actor="ann", now_ms=at(7))
    after = rules.set_type_limit("t3", 9, actor="ann", now_ms=at(8))
    assert after.types == {"t1": TypeRule(max_running=5), "t3": TypeRule(True, 9)}
    assert after.last_change(RuleKind.TYPE_LIMIT, "t2") is None
    assert after.last_change(RuleKind.TYPE_LIMIT, "t0") == RuleChange("ann", at(7))


def test_a_change_that_others_keep_in_the_way_of_is_given_up_and_may_be_repeated(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stores.clients is None:
        pytest.skip("memory has nobody in the way")
    # The very first change creates the item and needs two tries.
    monkeypatch.setattr(dynamodb_rules, "_TRIES", 1)
    with pytest.raises(ServiceUnavailable, match="repeat it in a moment"):
        stores.rules.set_pool_paused("ecs", True, actor="ann", now_ms=at(1))
    assert stores.rules.load() == DispatchRules()
    assert stores.rules.set_pool_paused("ecs", True, actor="ann", now_ms=at(2)).is_paused("ecs")


def test_the_rules_share_their_table_with_cursors(stores: Stores) -> None:
    stores.cursors.save("pending", "p/1")
    stores.rules.set_pool_paused("ecs", True, actor="ann", now_ms=at(1))
    stores.cursors.save("pending", None)
    assert stores.rules.load().is_paused("ecs")


def test_the_stream_record_of_the_rules_is_told_by_its_key() -> None:
    def of_rules(keys: dict[str, dict[str, str]]) -> bool:
        return changes_from([{"eventName": "REMOVE", "dynamodb": {"Keys": keys}}]).of_rules

    assert of_rules({"name": {"S": "rules"}})
    assert not of_rules({"name": {"S": "pending"}})
    assert not of_rules({"pool": {"S": "rules"}, "worker_id": {"S": "rules"}})
    assert not of_rules({})


def test_all_the_rules_there_can_be_fit_into_their_item() -> None:
    entry = {
        schema.RULE_VALUE: limits.MAX_TYPE_LIMIT,
        schema.RULE_ACTOR: "a" * 64,
        schema.RULE_AT: NOW_MS + 123,
    }
    lengths = dict.fromkeys(MAPS, limits.MAX_TYPE_CHARACTERS) | {RuleKind.FAILURE_MUTED: 16}
    maps = {
        MAPS[kind]: {f"{number:0{length}d}": entry for number in range(most_rules(kind))}
        for kind, length in lengths.items()
    }
    assert item_size(encode_item({schema.NAME: schema.RULES, **maps})) < 400 * 1_024 / 4
