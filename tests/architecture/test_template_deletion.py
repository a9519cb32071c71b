"""The deletion of a stack leaves its tables, and no other resource that docs/guides/delete-a-stack.md does not name."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.test_permissions import FULL
from tests.harness.template import Transformed

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "delete-a-stack.md"
KEEPING = {"Retain", "RetainExceptOnCreate", "Snapshot"}
OF_THE_ACCOUNT = {"ApiAccount", "ApiLogsRole"}
"""Other APIs of the account may log by them. They are there with ApiAccessLogs=with-role only."""


def test_nothing_stays_but_the_tables_and_a_setting_of_the_account() -> None:
    """SAM keeps versions of layers and of functions unless the template says otherwise."""
    template = Transformed(**FULL)
    kept = {name for name, spec in template.resources.items() if spec.get("DeletionPolicy") in KEEPING}
    tables = {name for name, spec in template.resources.items() if spec["Type"] == "AWS::DynamoDB::Table"}
    assert len(tables) == 10
    assert kept == tables | OF_THE_ACCOUNT
    assert "**The ten tables stay**" in GUIDE.read_text(encoding="utf-8")


def test_every_function_logs_into_a_group_that_goes_with_the_stack() -> None:
    """Lambda would make a group of its own, which no deletion of a stack removes."""
    template = Transformed(**FULL)
    functions = [spec for spec in template.resources.values() if spec["Type"] == "AWS::Lambda::Function"]
    groups = {function["Properties"]["LoggingConfig"]["LogGroup"].strip("<>") for function in functions}
    assert len(groups) == len(functions) == 8
    assert {template.resources[group]["DeletionPolicy"] for group in groups} == {"Delete"}
