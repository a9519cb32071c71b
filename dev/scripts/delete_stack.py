"""Deletes a stack, and its tables only if that is asked for: `python -m dev.scripts.delete_stack --stack tidegate-dev`.

CloudFormation keeps the tables of a deleted stack, and nothing finds them again. So this names each table first.
With `--with-tables` it deletes them after the stack. docs/guides/delete-a-stack.md says what to do before.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dev.scripts.restore import Refused, tables_of


def delete(
    dynamodb: Any, cloudformation: Any, stack: str, *, with_tables: bool, say: Callable[[str], None]
) -> None:
    """Names the stack's tables, deletes the stack, waits until it is gone, and deletes its tables if that is asked for.

    Raises `Refused` before anything is deleted if a table that is to go is protected from deletion, and after all
    else if some tables could not be deleted. It names those.
    """
    tables = tables_of(cloudformation, stack)
    if with_tables:
        _check_protection(dynamodb, tables)
    # Nothing finds the names again once the stack is gone, whatever stops this then.
    for name in tables.values():
        say(f"{name}: {'goes after the stack' if with_tables else 'stays, and is paid for'}")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)
    say(f"{stack}: deleted")
    if with_tables:
        _delete_tables(dynamodb, tables, say)


def _delete_tables(dynamodb: Any, tables: Mapping[str, str], say: Callable[[str], None]) -> None:
    left = []
    for name in tables.values():
        try:
            dynamodb.delete_table(TableName=name)
        except (BotoCoreError, ClientError) as error:
            left.append(name)
            say(f"{name}: stays, {error}")
        else:
            say(f"{name}: deleted")
    if left:
        raise Refused(f"the stack is gone, and these tables of it stay: {', '.join(left)}")


def _check_protection(dynamodb: Any, tables: Mapping[str, str]) -> None:
    described = [dynamodb.describe_table(TableName=name)["Table"] for name in tables.values()]
    protected = [each["TableName"] for each in described if each.get("DeletionProtectionEnabled")]
    if protected:
        raise Refused(f"deploy with DeletionProtection=false first; protected are {', '.join(protected)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Deletes a stack. Returns 1 if that was refused or failed."""
    parser = argparse.ArgumentParser(description="Delete a stack of tidegate.")
    parser.add_argument("--stack", required=True, help="the name of the stack")
    parser.add_argument(
        "--with-tables", action="store_true", help="delete its tables too, with all that they hold"
    )
    given = parser.parse_args(arguments)
    try:
        clients = (boto3.client("dynamodb"), boto3.client("cloudformation"))
        delete(*clients, given.stack, with_tables=given.with_tables, say=lambda line: print(line, flush=True))
    except (Refused, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
