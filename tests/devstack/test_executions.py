"""A burst of calls starts a bounded number of processes. Calls beyond it are answered as AWS answers them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.harness.devstack.emulated import FUNCTION, QUEUE, Stack
from tidegate_devstack.emulator import DEFAULT_EXECUTIONS, executions_of_one_function

CALLS = 50
SLOW = "import time\n\ndef handler(event, context):\n    time.sleep(2)\n    return 'done'\n"
TIMED = """
import time

def handler(event, context):
    began = time.time()
    time.sleep(2)
    return f"{began} {time.time()}"
"""


class Peak:
    """Watches the most processes that an emulator had below it, ten times a second."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self.most = max(self.most, len(self._process.children(recursive=True)))


def _outcome(stack: Stack, name: str) -> str:
    try:
        return str(stack.invoke(name=name))
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{status} {error.response['Error']['Code']}"


def _burst(stack: Stack, name: str) -> Counter[str]:
    with ThreadPoolExecutor(CALLS) as pool:
        return Counter(pool.map(lambda _: _outcome(stack, name), range(CALLS)))


def test_a_burst_starts_no_more_processes_than_one_function_may_have(stack: Stack) -> None:
    most = executions_of_one_function(DEFAULT_EXECUTIONS)
    emulator = stack.start()
    stack.make_function(SLOW)
    with Peak(emulator.pid) as peak:
        outcomes = _burst(stack, FUNCTION)
    assert outcomes["done"] >= most
    assert outcomes["429 TooManyRequestsException"] == CALLS - outcomes["done"] > 0
    assert peak.most == most


def test_all_functions_together_run_no_more_than_their_number(stack: Stack) -> None:
    stack.start(executions=6)
    names = ("one", "two", "three")
    for name in names:
        stack.make_function(TIMED, name)
    with ThreadPoolExecutor(len(names)) as pool:
        outcomes = [each for burst in pool.map(lambda name: _burst(stack, name), names) for each in burst]
    spans = [tuple(map(float, each.split())) for each in outcomes if not each.startswith("429 ")]
    assert len(spans) < len(names) * CALLS
    assert max(sum(begun <= moment < ended for begun, ended in spans) for moment, _ in spans) == 6


def test_the_number_stays_until_another_is_given(stack: Stack) -> None:
    assert stack.start(executions=6).executions == 6
    stack.stop()
    assert stack.start().executions == 6


def test_a_rest_api_answers_500_to_what_a_function_has_no_place_for(stack: Stack) -> None:
    """API Gateway treats every invocation that Lambda refuses as an error of its own."""
    stack.start(executions=4)
    stack.make_function(SLOW)
    url = stack.make_api()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: stack.call(url), range(10)))
    assert {answer.status_code for answer in answers} == {200, 500}
    refused = [answer for answer in answers if answer.status_code == 500]
    assert all(answer.json() == {"message": "Internal server error"} for answer in refused)


@pytest.mark.slow
def test_messages_for_a_throttled_function_come_again(stack: Stack) -> None:
    stack.start(executions=4)
    stack.make_function(SLOW)
    sqs = stack.client("sqs")
    queue = sqs.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "4"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    stack.let_read_queues()
    for number in range(6):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    stack.client("lambda").create_event_source_mapping(FunctionName=FUNCTION, EventSourceArn=arn, BatchSize=1)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline_s = time.monotonic() + 60
    while True:
        counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        if not any(int(count) for count in counts.values()):
            return
        assert time.monotonic() < deadline_s, counts
        time.sleep(0.5)
