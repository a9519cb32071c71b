"""Restores all tables of a stack to one moment, and makes a stack of them that `sam deploy` then completes.

`python -m dev.scripts.restore --stack tidegate --at 2026-12-01T08:00:00Z --to tidegate-restored` changes nothing of the
first stack. A restore that was cut off may be started again: it goes on with the tables that are there, if they were
restored from the same tables to the same moment.
docs/guides/back-up-and-restore.md says what to do before and after.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dev.scripts.moments import moment

TABLE = "AWS::DynamoDB::Table"
LOOK_EVERY_SECONDS = 15
MOST_SECONDS = 24 * 3_600
"""AWS names no limit for a restore, and says that nearly all take less than a day."""
KEPT_OF_TEMPLATE = ("AWSTemplateFormatVersion", "Parameters", "Mappings", "Conditions")


class Refused(Exception):
    """The restore can't begin, or can't go on. The text says why."""


def tables_of(cloudformation: Any, stack: str) -> Mapping[str, str]:
    """Returns the names of a stack's tables by logical id. Raises `Refused` if it has none."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == TABLE
    }
    if not found:
        raise Refused(f"the stack {stack} has no tables")
    return found


@dataclass(frozen=True)
class Restore:
    """One restore, of all tables of `stack` to the moment `at`, as the new stack `to`.

    `sleep` waits for seconds, `say` shows a line of progress.
    """

    dynamodb: Any
    cloudformation: Any
    stack: str
    at: datetime
    to: str
    sleep: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = field(default=lambda line: print(line, flush=True))

    def run(self) -> None:
        """Does it all, and returns when the new stack has the tables. Raises `Refused`."""
        if self.to == self.stack:
            raise Refused("the new stack needs another name than the first one")
        tables = tables_of(self.cloudformation, self.stack)
        self.check_moment(tables)
        targets = {logical_id: f"{self.to}-{logical_id}" for logical_id in tables}
        begun = {
            logical_id for logical_id, source in tables.items() if self._is_begun(source, targets[logical_id])
        }
        for logical_id, source in tables.items():
            if logical_id in begun:
                self.say(f"{targets[logical_id]}: is there already")
            else:
                self._begin(source, targets[logical_id])
        for target in targets.values():
            self._wait_for(target)
        for logical_id, source in tables.items():
            self._set_as(source, targets[logical_id])
        self._import(targets)

    def check_moment(self, tables: Mapping[str, str]) -> None:
        """Raises `Refused` unless every table can be restored to the moment, before anything is begun."""
        for name in tables.values():
            answer = self.dynamodb.describe_continuous_backups(TableName=name)
            backups = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
            if backups["PointInTimeRecoveryStatus"] != "ENABLED":
                raise Refused(f"{name} has no point-in-time recovery")
            earliest, latest = backups["EarliestRestorableDateTime"], backups["LatestRestorableDateTime"]
            if not earliest <= self.at <= latest:
                raise Refused(f"{name} can be restored to moments from {earliest} to {latest} only")

    def _is_begun(self, source: str, target: str) -> bool:
        """Says whether an earlier start began this restore. Raises `Refused` if the table there is another one."""
        try:
            found = self.dynamodb.describe_table(TableName=target)["Table"]
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return False
        origin = found.get("RestoreSummary", {})
        wanted = self.dynamodb.describe_table(TableName=source)["Table"]["TableArn"]
        if (origin.get("SourceTableArn"), origin.get("RestoreDateTime")) != (wanted, self.at):
            raise Refused(
                f"{target} is there, and is not {source} at {self.at}; name another stack with --to"
            )
        return True

    def _begin(self, source: str, target: str) -> None:
        self.dynamodb.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=target, RestoreDateTime=self.at
        )
        self.say(f"{target}: begun")

    def _wait_for(self, target: str) -> None:
        """Waits until the table can be used. Raises `Refused` after `MOST_SECONDS`."""
        for _ in range(MOST_SECONDS // LOOK_EVERY_SECONDS):
            if self.dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE":
                self.say(f"{target}: restored")
                return
            self.sleep(LOOK_EVERY_SECONDS)
        raise Refused(f"{target} is not restored after {MOST_SECONDS // 3_600} hours; start this again later")

    def _set_as(self, source: str, target: str) -> None:
        """Gives the restored table what a restore leaves out: stream, time to live, recovery, protection."""
        wanted, found = (self.dynamodb.describe_table(TableName=name)["Table"] for name in (source, target))
        changes: dict[str, Any] = {}
        if wanted.get("StreamSpecification") and not found.get("StreamSpecification"):
            changes["StreamSpecification"] = wanted["StreamSpecification"]
        if wanted.get("DeletionProtectionEnabled") and not found.get("DeletionProtectionEnabled"):
            changes["DeletionProtectionEnabled"] = True
        # One update of a table takes one kind of change.
        for name, value in changes.items():
            self.dynamodb.update_table(TableName=target, **{name: value})
            self._wait_for(target)
        attribute = self._expiry_of(source)
        if attribute and attribute != self._expiry_of(target):
            self.dynamodb.update_time_to_live(
                TableName=target, TimeToLiveSpecification={"AttributeName": attribute, "Enabled": True}
            )
        self.dynamodb.update_continuous_backups(
            TableName=target, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        self.say(f"{target}: set as {source}")

    def _expiry_of(self, table: str) -> str | None:
        answer = self.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        name: str | None = answer.get("AttributeName")
        return name if answer["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None

    def _import(self, targets: Mapping[str, str]) -> None:
        """Makes the new stack of the restored tables, which it takes over as they are."""
        template = self._template_of_tables()
        described = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
        given = [
            {"ParameterKey": each["ParameterKey"], "ParameterValue": each["ParameterValue"]}
            for each in described.get("Parameters", [])
            if each["ParameterKey"] in template["Parameters"]
        ]
        # Each start has a change set of its own, because one that was cut off may be there.
        change = {"StackName": self.to, "ChangeSetName": f"restore-{uuid4().hex}"}
        self.cloudformation.create_change_set(
            **change,
            ChangeSetType="IMPORT",
            TemplateBody=json.dumps(template, separators=(",", ":")),
            Parameters=given,
            ResourcesToImport=[
                {
                    "ResourceType": TABLE,
                    "LogicalResourceId": logical_id,
                    "ResourceIdentifier": {"TableName": name},
                }
                for logical_id, name in targets.items()
            ],
        )
        self.cloudformation.get_waiter("change_set_create_complete").wait(**change)
        self.cloudformation.execute_change_set(**change)
        self.cloudformation.get_waiter("stack_import_complete").wait(StackName=self.to)
        self.say(f"{self.to}: has the tables; now run sam deploy --stack-name {self.to}")

    def _template_of_tables(self) -> dict[str, Any]:
        """Returns the stack's own template with nothing but its tables and the parameters."""
        answer = self.cloudformation.get_template(StackName=self.stack, TemplateStage="Processed")
        body = answer["TemplateBody"]
        template = json.loads(body) if isinstance(body, str) else body
        kept = {name: template[name] for name in KEPT_OF_TEMPLATE if name in template}
        tables = {name: spec for name, spec in template["Resources"].items() if spec["Type"] == TABLE}
        return {"Parameters": {}, **kept, "Resources": tables}


def main(arguments: Sequence[str] | None = None) -> int:
    """Restores a stack's tables. Returns 1 if that was refused."""
    parser = argparse.ArgumentParser(description="Restore all tables of a stack to one moment.")
    parser.add_argument(
        "--stack", required=True, help="the stack whose tables are restored; it stays as it is"
    )
    parser.add_argument("--at", required=True, type=moment, help="the moment, as in 2026-12-01T08:00:00Z")
    parser.add_argument(
        "--to", required=True, help="the name of the new stack, and the begin of the tables' names"
    )
    given = parser.parse_args(arguments)
    try:
        clients = (boto3.client("dynamodb"), boto3.client("cloudformation"))
        Restore(*clients, given.stack, given.at, given.to).run()
    except (Refused, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
