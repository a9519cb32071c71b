"""Patches the emulator and runs it. `up` starts it as `python -m tidegate_devstack.emulator_process`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.services import dynamodb

from tidegate_devstack.emulator import EXECUTIONS_VARIABLE, SECRET_FILE_VARIABLE
from tidegate_devstack.executions import Executions
from tidegate_devstack.function_logs import keep_lines_at_once
from tidegate_devstack.gate import Gate
from tidegate_devstack.gateway import answer_as_aws_does
from tidegate_devstack.left_processes import MARK_VARIABLE
from tidegate_devstack.model import ACCESS_KEY_ID
from tidegate_devstack.payload_limits import bound_payloads
from tidegate_devstack.permissions import (
    lambda_action,
    leading_keys,
    log_resource,
    single_action,
    statement_checks,
)
from tidegate_devstack.places import Places
from tidegate_devstack.renewals import renew_as_cognito_does
from tidegate_devstack.role_keys import draw_role_keys
from tidegate_devstack.root_key import read_secret_file
from tidegate_devstack.saving import Saving
from tidegate_devstack.sessions import keep_sessions
from tidegate_devstack.signatures import Signatures
from tidegate_devstack.statements import put_right
from tidegate_devstack.strictness import make_strict

# The services that the template, its deployment and the tools here use. All others are removed, because each would be
# one more way in: some run commands, some open ports of their own, some hand out credentials.
SERVICES = frozenset(
    {
        "apigateway",
        "cloudformation",
        "cognito-idp",
        "dynamodb",
        "dynamodbstreams",
        "events",
        "iam",
        "lambda",
        "logs",
        "monitoring",
        "s3",
        "scheduler",
        "sqs",
        "sts",
    }
)

_action_of = iam_actions.extract_iam_action
_lambda_action_of = iam_actions._lambda_action
_checks_of = iam_actions.dynamodb_transaction_checks
_context_of = iam_actions.dynamodb_service_context
_resource_of = iam_actions.extract_resource_arn


def _single_action_of(*call: Any) -> str | None:
    return single_action(_action_of(*call))


def _lambda_action_as_aws_names_it(method: str, path: str) -> str | None:
    return lambda_action(method, path, _lambda_action_of(method, path))


def _resource_as_aws_names_it(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
) -> str:
    resource: str = _resource_of(service, method, path, headers, body, *rest)
    return log_resource(resource, body) if service == "logs" else resource


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
    """Has the emulator ask callers for the permissions that AWS asks for (permissions.py)."""
    # Patches ministack: `iam_actions.extract_iam_action`, because it asks for a batch call's own name, such as
    # sqs:SendMessageBatch. AWS has no such action and asks for the single one.
    iam_actions.extract_iam_action = _single_action_of
    # Patches ministack: `iam_actions._lambda_action`, because it asks for the permission to set a reservation of
    # executions of those who read it, and for none to read the account's.
    iam_actions._lambda_action = _lambda_action_as_aws_names_it
    # Patches ministack: `iam_actions.extract_resource_arn`, because it names the bare group for calls about a log
    # stream. AWS names the stream.
    iam_actions.extract_resource_arn = _resource_as_aws_names_it
    # Patches ministack: `iam_actions.dynamodb_transaction_checks`, because it checks the parts of transactions only.
    # AWS also checks each PartiQL statement for its own action on its own table.
    iam_actions.dynamodb_transaction_checks = _checks_of_statements
    # Patches ministack: `iam_actions.dynamodb_service_context`, because it lacks the key dynamodb:LeadingKeys. Without
    # that key a policy that limits a role to some items would let it touch all of them.
    iam_actions.dynamodb_service_context = _context_with_keys


def _close_to_others(also_open: Sequence[str]) -> None:
    """Has the emulator answer only callers with the home's secret, or with a key that was made with it."""
    # The variable is removed, because functions inherit the environment.
    secret = read_secret_file(Path(os.environ.pop(SECRET_FILE_VARIABLE)))
    draw_role_keys(secret)
    # Patches ministack: `app.SERVICE_HANDLERS`, because each service that the stack does not use is one more way in.
    for service in app.SERVICE_HANDLERS.keys() - SERVICES:
        del app.SERVICE_HANDLERS[service]
    guard = Signatures(ACCESS_KEY_ID, secret)
    guard.install()
    # Patches ministack: `app.app`, the ASGI application, because every request must pass the gate first (gate.py).
    app.app = Gate(app.app, int(os.environ["GATEWAY_PORT"]), guard, also_open=also_open)


def run(also_open: Sequence[str] = ()) -> None:
    """Patches the emulator of this process, and runs it until it is told to stop.

    `also_open` are paths, open to signed requests, of an application that a benchmark puts around the emulator's own.
    Raises LocalStackError if the home's secret can't be read.
    """
    put_right()
    make_strict()
    keep_sessions()
    renew_as_cognito_does()
    Saving(Path(os.environ["STATE_DIR"])).install()
    _ask_as_aws_does()
    answer_as_aws_does()
    bound_payloads()
    places = Places.find(Path(os.environ[MARK_VARIABLE]))
    Executions(places, int(os.environ[EXECUTIONS_VARIABLE])).install()
    _close_to_others(also_open)
    keep_lines_at_once()
    app.main()


if __name__ == "__main__":
    run()
