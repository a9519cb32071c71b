"""`dev/scripts/delete_stack.py` deletes a stack's tables only if it is asked to, and names each one that stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError, WaiterError

from dev.scripts import delete_stack, restore
from dev.scripts.delete_stack import delete
from dev.scripts.restore import TABLE, Refused

NAMES = {"Jobs": "tidegate-Jobs-1A", "Control": "tidegate-Control-2B"}


def account(*, protected: bool) -> tuple[MagicMock, MagicMock, MagicMock]:
    """Returns the two services, and the parent of both, which notes the order of their calls."""
    parent = MagicMock()
    parent.cloudformation.get_paginator.return_value.paginate.return_value = [
        {
            "StackResourceSummaries": [
                {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": TABLE}
            ]
        }
        for name, physical in NAMES.items()
    ]
    parent.dynamodb.describe_table.side_effect = lambda TableName: {  # noqa: N803  # as boto3 has it
        "Table": {"TableName": TableName, "DeletionProtectionEnabled": protected and "Jobs" in TableName}
    }
    return parent.dynamodb, parent.cloudformation, parent


@pytest.mark.parametrize("with_tables", [False, True])
def test_the_tables_go_only_if_asked_and_after_the_stack(with_tables: bool) -> None:
    dynamodb, cloudformation, parent = account(protected=False)
    said: list[str] = []
    delete(dynamodb, cloudformation, "tidegate", with_tables=with_tables, say=said.append)
    cloudformation.delete_stack.assert_called_once_with(StackName="tidegate")
    deleted = [call.kwargs["TableName"] for call in dynamodb.delete_table.call_args_list]
    assert deleted == (list(NAMES.values()) if with_tables else [])
    assert all(any(line.startswith(f"{name}: ") for line in said) for name in NAMES.values())
    order = [name for name, _, _ in parent.mock_calls]
    if with_tables:
        waited = order.index("cloudformation.get_waiter().wait")
        assert order.index("cloudformation.delete_stack") < waited < order.index("dynamodb.delete_table")


def test_a_protected_table_stops_the_deletion_before_it_begins() -> None:
    dynamodb, cloudformation, _ = account(protected=True)
    with pytest.raises(Refused, match="tidegate-Jobs-1A"):
        delete(dynamodb, cloudformation, "tidegate", with_tables=True, say=lambda _line: None)
    cloudformation.delete_stack.assert_not_called()


def test_every_name_is_said_although_the_wait_for_the_stack_fails() -> None:
    dynamodb, cloudformation, _ = account(protected=False)
    said: list[str] = []
    before: list[str] = []
    cloudformation.delete_stack.side_effect = lambda **_: before.extend(said)
    cloudformation.get_waiter.return_value.wait.side_effect = WaiterError(
        "stack_delete_complete", "failed", {}
    )
    with pytest.raises(WaiterError):
        delete(dynamodb, cloudformation, "tidegate", with_tables=True, say=said.append)
    assert [any(name in line for line in before) for name in NAMES.values()] == [True, True]
    dynamodb.delete_table.assert_not_called()


def test_a_table_that_can_not_be_deleted_keeps_no_other_one() -> None:
    dynamodb, cloudformation, _ = account(protected=False)
    said: list[str] = []
    busy = ClientError({"Error": {"Code": "ResourceInUseException", "Message": "it is busy"}}, "DeleteTable")
    dynamodb.delete_table.side_effect = [busy, {}]
    with pytest.raises(Refused, match="tidegate-Jobs-1A") as refused:
        delete(dynamodb, cloudformation, "tidegate", with_tables=True, say=said.append)
    assert "tidegate-Control-2B" not in str(refused.value)
    assert [call.kwargs["TableName"] for call in dynamodb.delete_table.call_args_list] == list(NAMES.values())
    assert "tidegate-Control-2B: deleted" in said
    assert "tidegate-Jobs-1A: deleted" not in said
    assert any("it is busy" in line for line in said)


@pytest.mark.parametrize(
    ("main", "more"),
    [(delete_stack.main, []), (restore.main, ["--at", "2026-12-01T08:00:00Z", "--to", "other"])],
    ids=["delete", "restore"],
)
def test_whoever_has_set_no_region_is_told_so_in_a_line(
    main: Callable[[Sequence[str]], int],
    more: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    assert main(["--stack", "tidegate", *more]) == 1
    assert capsys.readouterr().err == "You must specify a region.\n"
