"""The emulator's process: `python -m tidegate_cli.local_stack.emulator_process` is what `up` starts."""

from __future__ import annotations

from typing import Any

from ministack.app import main
from ministack.core import iam_actions
from ministack.services import dynamodb

from tidegate_cli.local_stack.permissions import leading_keys, single_action, statement_checks
from tidegate_cli.local_stack.statements import put_right
from tidegate_cli.local_stack.strictness import make_strict

_action_of = iam_actions.extract_iam_action
_checks_of = iam_actions.dynamodb_transaction_checks
_context_of = iam_actions.dynamodb_service_context


def _single_action_of(*call: Any) -> str | None:
    return single_action(_action_of(*call))


def _checks_of_statements(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
    stated = [
        (needed, iam_actions._dynamodb_table_arn(table, region, account) if table != "*" else table)
        for needed, table in statement_checks(action, body)
    ]
    return stated or list(_checks_of(action, body, region, account))


def _context_with_keys(body: bytes) -> dict[str, Any]:
    context: dict[str, Any] = _context_of(body)
    keys = leading_keys(body, _partition_key_of)
    return {**context, "dynamodb:LeadingKeys": keys} if keys else context


def _partition_key_of(table: str) -> str | None:
    found = dynamodb._tables.get(table.rpartition("/")[2])
    return found["pk_name"] if found else None


def _ask_as_aws_does() -> None:
    """Callers need the permissions that AWS asks for (permissions.py)."""
    iam_actions.extract_iam_action = _single_action_of
    iam_actions.dynamodb_transaction_checks = _checks_of_statements
    iam_actions.dynamodb_service_context = _context_with_keys


def run() -> None:
    """Runs the emulator until it is told to stop."""
    put_right()
    make_strict()
    _ask_as_aws_does()
    main()


if __name__ == "__main__":
    run()
