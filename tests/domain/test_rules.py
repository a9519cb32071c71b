from __future__ import annotations

import pytest

from tidegate.domain.rules import (
    DispatchRules,
    RuleChange,
    RuleEntry,
    RuleKind,
    TypeRule,
    rules_from,
    too_many,
)

ANN = RuleChange("ann", 1)


def test_without_a_rule_nothing_is_held_back() -> None:
    rules = DispatchRules()
    assert not rules.is_paused("lambda")
    assert rules.type_rule("text.count") == TypeRule(paused=False, max_running=None)
    assert rules.last_change(RuleKind.POOL_PAUSED, "lambda") is None
    assert rules_from({}) == rules


def test_the_rules_of_a_type_are_put_together() -> None:
    rules = rules_from(
        {
            (RuleKind.TYPE_PAUSED, "a.b"): RuleEntry(1, ANN),
            (RuleKind.TYPE_LIMIT, "a.b"): RuleEntry(3, ANN),
            (RuleKind.TYPE_LIMIT, "c"): RuleEntry(1, ANN),
            (RuleKind.POOL_PAUSED, "lambda"): RuleEntry(1, ANN),
        }
    )
    assert rules.types == {"a.b": TypeRule(True, 3), "c": TypeRule(False, 1)}
    assert (rules.is_paused("lambda"), rules.is_paused("ecs"), rules.is_paused("a.b")) == (True, False, False)


def test_an_idle_rule_only_says_who_changed_it() -> None:
    rules = rules_from({(kind, "x"): RuleEntry(0, ANN) for kind in RuleKind})
    assert (rules.paused_pools, rules.types) == (frozenset(), {})
    assert [rules.last_change(kind, "x") for kind in RuleKind] == [ANN] * len(RuleKind)


@pytest.mark.parametrize(
    ("kind", "field", "undo"),
    [
        (RuleKind.POOL_PAUSED, "pool", "resume another first"),
        (RuleKind.TYPE_PAUSED, "type", "resume another first"),
        (RuleKind.TYPE_LIMIT, "type", "take the limit off another first"),
    ],
)
def test_one_rule_too_many_is_refused_with_a_way_out(kind: RuleKind, field: str, undo: str) -> None:
    (violation,) = too_many(kind).violations
    assert violation.field == field
    assert violation.message.endswith(undo)


def test_the_lower_of_the_operators_and_the_workers_limit_holds() -> None:
    rules = DispatchRules(types={"a": TypeRule(True, 3), "b": TypeRule(False, 1)})
    assert rules.within({}) is rules
    narrowed = rules.within({"a": 2, "b": 5, "c": 0})
    assert narrowed.types == {
        "a": TypeRule(True, 2),
        "b": TypeRule(False, 1),
        "c": TypeRule(False, 0),
    }
    assert rules.type_rule("a").max_running == 3, "the earlier value stays as it was"
