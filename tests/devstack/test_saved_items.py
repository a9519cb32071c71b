"""The emulator's DynamoDB itself saves everything but the items, which have their own files."""

from __future__ import annotations

from collections import defaultdict

import pytest
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from tidegate_devstack.saved_items import tables_without_items


def test_nothing_but_items_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = AccountRegionScopedDict()
    held = {"-": {"id": {"S": "a"}}}
    tables.set_scoped("0" * 12, "us-east-1", "Held", {"TableId": "one", "items": defaultdict(dict, a=held)})
    monkeypatch.setattr(dynamodb, "_tables", tables)
    by_itself, here = dynamodb.get_state(), tables_without_items()
    for table in by_itself["tables"].all_values():
        assert table.pop("items")
    assert here.keys() == by_itself.keys()
    assert here["tables"]._data == by_itself["tables"]._data
    for name in here.keys() - {"tables"}:
        assert here[name]._data == by_itself[name]._data, name
