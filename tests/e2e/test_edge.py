"""The edge of the deployed stack: the gateway's own answer, and queues that refuse requests without TLS."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.e2e.test_local_stack import call
from tidegate_devstack import StackInfo, logs

QUEUES = (
    "LambdaPoolQueueUrl",
    "LambdaPoolDeadLettersUrl",
    "EcsPoolQueueUrl",
    "EcsPoolDeadLettersUrl",
    "EventDeadLettersUrl",
)


def _lines_at_rest(home: Any) -> int:
    """Returns the number of the function's log lines once the last call of an earlier test has written its own."""
    counts = [-1, len(logs("api", home=home))]
    while counts[-1] != counts[-2] and len(counts) < 30:
        time.sleep(1)
        counts.append(len(logs("api", home=home)))
    return counts[-1]


def test_the_gateway_answers_health_and_starts_no_function(stack: StackInfo, stack_home: Any) -> None:
    before = _lines_at_rest(stack_home)
    answer = call(stack, "/v1/health", None)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["Content-Type"] == "application/json"
    assert len(logs("api", home=stack_home)) == before


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_denies_whoever_comes_without_tls(stack: StackInfo, queue: str) -> None:
    sqs = stack.session().client("sqs", endpoint_url=stack.endpoint_url)
    url = stack.outputs[queue]
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])

    def say_so(request: AWSRequest, **_: object) -> None:
        request.headers["X-Forwarded-Proto"] = "http"

    sqs.meta.events.register("before-send.sqs", say_so)
    for ask in (
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0),
        lambda: sqs.send_message(QueueUrl=url, MessageBody="{}"),
    ):
        with pytest.raises(ClientError) as refused:
            ask()
        assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
