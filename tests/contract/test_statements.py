"""The expressions of a call that are built from named conditions."""

from __future__ import annotations

from tidegate.adapters.dynamodb.statements import (
    absent,
    all_of,
    any_of,
    differs,
    equals,
    has_fewer_than,
    holds,
    present,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Strings


def test_an_update_numbers_its_own_values_before_those_of_its_condition() -> None:
    has_place = any_of(has_fewer_than("holders", 2), holds("holders", "a"))
    condition = any_of(absent("holders"), all_of(equals("least", 2), has_place))
    assert update_arguments("ADD #holders ? SET #least = ?", (Strings({"b", "a"}), 2), condition) == {
        "UpdateExpression": "ADD #holders :v0 SET #least = :v1",
        "ConditionExpression": (
            "attribute_not_exists(#holders) OR (#least = :v2 AND (size(#holders) < :v3 OR contains(#holders, :v4)))"
        ),
        "ExpressionAttributeNames": {"#holders": "holders", "#least": "least"},
        "ExpressionAttributeValues": {
            ":v0": {"SS": ["a", "b"]},
            ":v1": {"N": "2"},
            ":v2": {"N": "2"},
            ":v3": {"N": "2"},
            ":v4": {"S": "a"},
        },
    }


def test_a_name_may_stand_for_an_attribute_with_any_characters() -> None:
    condition = all_of(present("map.#name"), differs("map.#name.#value", 1))
    assert update_arguments("REMOVE #map.#name", (), condition, names={"name": "a.b?#c"}) == {
        "UpdateExpression": "REMOVE #map.#name",
        "ConditionExpression": "attribute_exists(#map.#name) AND #map.#name.#value <> :v0",
        "ExpressionAttributeNames": {"#map": "map", "#name": "a.b?#c", "#value": "value"},
        "ExpressionAttributeValues": {":v0": {"N": "1"}},
    }


def test_an_empty_set_of_strings_is_sent_as_one_for_aws_to_refuse() -> None:
    arguments = update_arguments("DELETE #holders ?", (Strings(),), present("holders"))
    assert arguments["ExpressionAttributeValues"] == {":v0": {"SS": []}}
