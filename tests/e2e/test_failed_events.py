"""An asynchronous event that fails, as a tick may, becomes a dead letter of the deployed stack."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tidegate_devstack import StackInfo

PATIENCE_SECONDS = 60


@pytest.mark.parametrize(
    ("function", "event"),
    [("Dispatcher", {"Records": 5}), ("Dispatcher", {"Records": [7]})],
    ids=["no list", "no record"],
)
def test_a_failed_event_is_found_among_the_dead_letters(
    stack: StackInfo, function: str, event: dict[str, Any]
) -> None:
    name = stack.outputs[f"{function}FunctionName"]
    functions = stack.session().client("lambda", endpoint_url=stack.endpoint_url)
    answer = functions.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())
    assert answer["StatusCode"] == 202
    letter = _next_letter(stack)
    assert letter["requestPayload"] == event
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    assert name in letter["requestContext"]["functionArn"]


def _next_letter(stack: StackInfo) -> dict[str, Any]:
    queue = stack.outputs["EventDeadLettersUrl"]
    sqs = stack.session().client("sqs", endpoint_url=stack.endpoint_url)
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline_s:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            letter: dict[str, Any] = json.loads(message["Body"])
            return letter
    raise AssertionError(f"no dead letter within {PATIENCE_SECONDS} s")
