"""`dev/scripts/restore.py` restores every table of a stack to one moment, and hands them to a new stack."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import xform_name

from dev.scripts.restore import LOOK_EVERY_SECONDS, MOST_SECONDS, TABLE, Refused, Restore

AT = datetime(2026, 12, 1, 8, tzinfo=UTC)
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
PARAMETERS = {"PointInTimeRecovery": "true", "Shards": "4"}
TEMPLATE = {
    "Parameters": {name: {"Type": "String"} for name in PARAMETERS},
    "Rules": {"None": {}},
    "Resources": {
        "Jobs": {"Type": TABLE, "DeletionPolicy": "RetainExceptOnCreate"},
        "Control": {"Type": TABLE, "DeletionPolicy": "RetainExceptOnCreate"},
        "ApiFunction": {"Type": "AWS::Lambda::Function"},
    },
    "Outputs": {"Api": {"Value": "x"}},
}
NEW_TABLE: dict[str, Any] = {"TableStatus": "ACTIVE"}


def arn(table: str) -> str:
    """Returns the address of a table."""
    return f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}"


def restored(source: str, at: datetime) -> dict[str, Any]:
    """Returns a table that a restore is making, which tells where it is from, also when it is done."""
    summary = {"SourceTableArn": arn(source), "RestoreDateTime": at, "RestoreInProgress": True}
    return {"TableStatus": "CREATING", "RestoreSummary": summary}


@dataclass
class Account:
    """Two tables of a stack, as the services tell of them. A new table is made for `looks` looks at it.

    botocore checks each request against the services' models before it comes here.
    """

    looks: int = 2
    latest: datetime = AT + timedelta(minutes=5)
    tables: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "tidegate-Jobs-1A": NEW_TABLE
            | {"StreamSpecification": STREAM, "DeletionProtectionEnabled": True},
            "tidegate-Control-2B": dict(NEW_TABLE),
        }
    )
    expiring: set[str] = field(default_factory=lambda: {"tidegate-Jobs-1A"})
    recovering: set[str] = field(default_factory=lambda: {"tidegate-Jobs-1A", "tidegate-Control-2B"})
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    looked: Counter[str] = field(default_factory=Counter)

    def answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        """Answers a call of either client instead of AWS."""
        given = self.requests.pop()
        self.asked.append((model.name, given))
        parsed = getattr(self, xform_name(model.name))(given)
        return SimpleNamespace(status_code=400 if "Error" in parsed else 200), parsed

    requests: list[dict[str, Any]] = field(default_factory=list)

    def note(self, params: dict[str, Any], **_: Any) -> None:
        """Notes what a call was given, before botocore writes it as a request."""
        self.requests.append(dict(params))

    def list_stack_resources(self, _given: dict[str, Any]) -> dict[str, Any]:
        kinds = {"Jobs": "tidegate-Jobs-1A", "Control": "tidegate-Control-2B", "ApiFunction": "api"}
        kept = {name: spec["Type"] for name, spec in TEMPLATE["Resources"].items()}  # type: ignore[attr-defined]  # a dict
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": name, "PhysicalResourceId": kinds[name], "ResourceType": kept[name]}
                for name in kept
            ]
        }

    def describe_continuous_backups(self, given: dict[str, Any]) -> dict[str, Any]:
        latest = self.latest if "Control" in given["TableName"] else AT + timedelta(minutes=9)
        told = {
            "PointInTimeRecoveryStatus": "ENABLED" if given["TableName"] in self.recovering else "DISABLED",
            "EarliestRestorableDateTime": AT - timedelta(days=35),
            "LatestRestorableDateTime": latest,
        }
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": told}}

    def restore_table_to_point_in_time(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["TargetTableName"] in self.tables:
            return {"Error": {"Code": "TableAlreadyExistsException", "Message": "it is there"}}
        self.tables[given["TargetTableName"]] = restored(given["SourceTableName"], given["RestoreDateTime"])
        return {}

    def describe_table(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["TableName"] not in self.tables:
            return {"Error": {"Code": "ResourceNotFoundException", "Message": "no such table"}}
        table = self.tables[given["TableName"]]
        self.looked[given["TableName"]] += 1
        if self.looked[given["TableName"]] > self.looks:
            table["TableStatus"] = "ACTIVE"
        return {"Table": {**table, "TableArn": arn(given["TableName"])}}

    def update_table(self, given: dict[str, Any]) -> dict[str, Any]:
        changes = {name: value for name, value in given.items() if name != "TableName"}
        assert len(changes) == 1, "AWS takes one kind of change at a time"
        assert self.tables[given["TableName"]]["TableStatus"] == "ACTIVE"
        self.tables[given["TableName"]].update(changes)
        return {}

    def describe_time_to_live(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["TableName"] not in self.expiring:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}}

    def update_time_to_live(self, given: dict[str, Any]) -> dict[str, Any]:
        self.expiring.add(given["TableName"])
        return {}

    def update_continuous_backups(self, given: dict[str, Any]) -> dict[str, Any]:
        self.recovering.add(given["TableName"])
        return {}

    def get_template(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["TemplateStage"] == "Processed", "the other one has SAM's own types"
        return {"TemplateBody": json.dumps(TEMPLATE)}

    def describe_stacks(self, given: dict[str, Any]) -> dict[str, Any]:
        told = [{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()]
        return {"Stacks": [{"StackStatus": "IMPORT_COMPLETE", "Parameters": told}]}

    def create_change_set(self, given: dict[str, Any]) -> dict[str, Any]:
        return {}

    def describe_change_set(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"Status": "CREATE_COMPLETE"}

    def execute_change_set(self, given: dict[str, Any]) -> dict[str, Any]:
        return {}

    def of(self, operation: str) -> list[dict[str, Any]]:
        """Returns what the calls of an operation were given, in their order."""
        return [given for name, given in self.asked if name == operation]


@pytest.fixture(scope="module")
def clients() -> tuple[Any, Any]:
    """Makes the clients once. No request leaves the process, because the account answers them."""
    session = boto3.Session("none", "none", region_name="eu-central-1")
    return session.client("dynamodb"), session.client("cloudformation")


def restore(clients: tuple[Any, Any], account: Account, to: str = "again") -> list[float]:
    """Restores the account's stack as the stack `to`, and returns how long each wait was."""
    slept: list[float] = []
    for client in clients:
        client.meta.events.register_first("provide-client-params", account.note, unique_id="note")
        client.meta.events.register_first("before-call", account.answer, unique_id="answer")
    try:
        Restore(*clients, "tidegate", AT, to, sleep=slept.append, say=lambda _line: None).run()
    finally:
        for client in clients:
            client.meta.events.unregister("provide-client-params", unique_id="note")
            client.meta.events.unregister("before-call", unique_id="answer")
    return slept


def test_every_table_is_restored_to_the_same_second_and_set_as_it_was(clients: tuple[Any, Any]) -> None:
    account = Account()
    slept = restore(clients, account)
    asked = account.of("RestoreTableToPointInTime")
    assert {each["TargetTableName"] for each in asked} == {"again-Jobs", "again-Control"}
    assert {each["RestoreDateTime"] for each in asked} == {AT}
    jobs = account.tables["again-Jobs"]
    assert (jobs["StreamSpecification"], jobs["DeletionProtectionEnabled"]) == (STREAM, True)
    assert "StreamSpecification" not in account.tables["again-Control"]
    assert account.expiring == {"tidegate-Jobs-1A", "again-Jobs"}
    assert {"again-Jobs", "again-Control"} <= account.recovering
    assert set(slept) == {LOOK_EVERY_SECONDS}


def test_the_new_stack_takes_over_the_tables_and_nothing_else(clients: tuple[Any, Any]) -> None:
    account = Account()
    restore(clients, account)
    (asked,) = account.of("CreateChangeSet")
    assert (asked["StackName"], asked["ChangeSetType"]) == ("again", "IMPORT")
    assert {each["LogicalResourceId"]: each["ResourceIdentifier"] for each in asked["ResourcesToImport"]} == {
        "Jobs": {"TableName": "again-Jobs"},
        "Control": {"TableName": "again-Control"},
    }
    template = json.loads(asked["TemplateBody"])
    assert template.keys() == {"Parameters", "Resources"}
    assert template["Resources"].keys() == {"Jobs", "Control"}
    assert {each["ParameterKey"]: each["ParameterValue"] for each in asked["Parameters"]} == PARAMETERS
    assert account.asked[-1][0] == "DescribeStacks", "it waits for the import"


@pytest.mark.parametrize("why", ["too late", "no recovery"])
def test_nothing_is_begun_unless_every_table_has_the_moment(clients: tuple[Any, Any], why: str) -> None:
    account = Account()
    if why == "too late":
        account.latest = AT - timedelta(seconds=1)
    else:
        account.recovering.remove("tidegate-Control-2B")
    with pytest.raises(Refused, match="tidegate-Control-2B"):
        restore(clients, account)
    assert not account.of("RestoreTableToPointInTime")


def test_a_restore_that_was_cut_off_goes_on_with_the_tables_that_are_there(clients: tuple[Any, Any]) -> None:
    account = Account()
    account.tables["again-Jobs"] = restored("tidegate-Jobs-1A", AT)
    restore(clients, account)
    assert [each["TargetTableName"] for each in account.of("RestoreTableToPointInTime")] == ["again-Control"]
    assert account.of("ExecuteChangeSet")
    assert account.tables["again-Jobs"]["StreamSpecification"] == STREAM


@pytest.mark.parametrize(
    "found",
    [
        restored("tidegate-Control-2B", AT - timedelta(hours=1)),
        restored("other-Control-3C", AT),
        NEW_TABLE | {"RestoreSummary": {"RestoreDateTime": AT, "RestoreInProgress": False}},
        NEW_TABLE,
    ],
    ids=["another moment", "another stack", "a backup", "no restore"],
)
def test_a_table_of_another_origin_is_refused_before_anything_is_begun(
    clients: tuple[Any, Any], found: dict[str, Any]
) -> None:
    account = Account()
    account.tables["again-Control"] = dict(found)
    with pytest.raises(Refused, match="again-Control"):
        restore(clients, account)
    assert not account.of("RestoreTableToPointInTime")


def test_the_first_stack_is_no_stack_to_restore_to(clients: tuple[Any, Any]) -> None:
    account = Account()
    with pytest.raises(Refused, match="another name"):
        restore(clients, account, to="tidegate")
    assert not account.asked


def test_the_wait_for_a_table_ends(clients: tuple[Any, Any]) -> None:
    account = Account(looks=10**9)
    with pytest.raises(Refused, match="start this again later"):
        restore(clients, account)
    assert account.looked["again-Jobs"] == MOST_SECONDS // LOOK_EVERY_SECONDS
