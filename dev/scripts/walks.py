"""Traces three walks through the code and counts how much of it a reader has to follow.

The walks are the deployed entry points over an AWS in this process (moto):

    job → put               POST /v1/jobs, from functions/api to the job's PutItem
    stream record → SQS     the record of that job, from functions/dispatcher to SendMessageBatch
    SQS message → done      that message, from functions/worker to the write that ends the job

For each walk it counts three numbers, up to the walk's last request:

    calls     function calls of this project: the packages tidegate* and functions/. A generator counts once, however
              often it goes on. Comprehensions, the bodies of modules and generated methods of dataclasses do not count.
    files     the different files that these functions are in
    changes   how often two calls that follow each other are in different files

Two things do not count, because no call in the code leads a reader there: what boto3 calls back (the meter and the
clock, at every request), and what an executor does around job code (one call of `execute` counts).

A job goes through all three walks before the count begins, so that loading modules and reading settings do not count.
There is one shard, so that no call runs on a thread of its own, and time stands still, so that nothing is read again
because a slow machine took seconds. So every run counts the same.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws

from dev.benchmarks.local_tables import snake_case, table_definitions

ROOT = Path(__file__).resolve().parents[2]
WALKED = tuple(str(ROOT / folder) + os.sep for folder in ("layers", "functions", "worker"))
EXECUTORS, BOTOCORE = f"{os.sep}executors{os.sep}", f"{os.sep}botocore{os.sep}"
REGION = "eu-central-1"
CONTEXT = SimpleNamespace(
    aws_request_id="walk",
    log_stream_name="2026/12/01/[1]0a1b2c3d4e5f",
    get_remaining_time_in_millis=lambda: 29_000,
)
EPILOG = """example:
  python -m dev.scripts.walks --output json
  python -m dev.scripts.walks --calls job-put     # every call in its order, with its file
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function of this project. `file` is relative to the project's folder."""

    file: str
    function: str


@dataclass(frozen=True, slots=True)
class Count:
    """The size of one walk."""

    calls: int
    files: int
    changes: int


def count(calls: Sequence[Call]) -> Count:
    """Returns the size of a walk that consists of these calls."""
    files = [call.file for call in calls]
    return Count(len(files), len(set(files)), sum(one != next_one for one, next_one in pairwise(files)))


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: its title, and its calls in their order."""

    title: str
    calls: tuple[Call, ...]


class Tracer:
    """Records the calls of this project's functions, and where each request to AWS lies among them."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._requests: list[tuple[str, int]] = []
        # Says of each frame of this project whether what it calls is counted. The frames are kept, so that no later one
        # gets the id of an earlier one.
        self._is_followed: dict[int, bool] = {}
        self._frames: list[FrameType] = []

    def watch(self, client: Any) -> None:
        """Notes every request of a boto3 client from now on."""
        client.meta.events.register("before-call", self._note_request)

    def _note_request(self, model: Any, **_: Any) -> None:
        self._requests.append((model.name, len(self._calls)))

    def _note_call(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        is_new = (
            event == "call" and code.co_filename.startswith(WALKED) and id(frame) not in self._is_followed
        )
        if not is_new:
            return
        counts = self._is_called_by_a_followed_one(frame)
        self._frames.append(frame)
        self._is_followed[id(frame)] = counts and not (
            code.co_name == "execute" and EXECUTORS in code.co_filename
        )
        if counts and (code.co_name == "<lambda>" or not code.co_name.startswith("<")):
            self._calls.append(Call(str(Path(code.co_filename).relative_to(ROOT)), code.co_name))

    def _is_called_by_a_followed_one(self, frame: FrameType) -> bool:
        caller = frame.f_back
        while caller is not None:
            if id(caller) in self._is_followed:
                return self._is_followed[id(caller)]
            if BOTOCORE in caller.f_code.co_filename:
                return False
            caller = caller.f_back
        return True

    def trace(self, title: str, last_operation: str, run: Callable[[], object]) -> Walk:
        """Runs `run`; returns its calls up to the last request of the operation. Raises ValueError if it sent none."""
        self._calls, self._requests, self._is_followed, self._frames = [], [], {}, []
        sys.setprofile(self._note_call)
        try:
            run()
        finally:
            sys.setprofile(None)
        ends = [at for name, at in self._requests if name == last_operation]
        if not ends:
            sent = ", ".join(name for name, _ in self._requests)
            raise ValueError(f"{title}: no {last_operation} was sent, only {sent or 'nothing'}")
        return Walk(title, tuple(self._calls[: ends[-1]]))


def _load(name: str) -> Any:
    """Returns the module of a function. Its folder is where it imports its other modules from, as in Lambda."""
    path = ROOT / "functions" / name / "app.py"
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(f"walked_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def environment_of(tables: Mapping[str, str], queue_url: str) -> dict[str, str]:
    """Returns the variables of the functions, with the defaults of the template, one shard and no metrics."""
    pool = {"queue_url": queue_url, "kind": "function", "capacity": 4, "max_timeout_seconds": 840}
    return {
        **{f"TIDEGATE_TABLE_{snake_case(table).upper()}": name for table, name in tables.items()},
        "TIDEGATE_POOLS": json.dumps({"lambda": pool}),
        "TIDEGATE_DEFAULT_POOL": "lambda",
        "TIDEGATE_SHARDS": "1",
        "TIDEGATE_WINDOW": "2",
        "TIDEGATE_AGING_POINTS_PER_MINUTE": "1",
        "TIDEGATE_RETRY_PENALTY_POINTS": "50",
        "TIDEGATE_CRITICAL_PATH_WEIGHT": "0",
        "TIDEGATE_LEASE_SECONDS": "60",
        "TIDEGATE_HEARTBEAT_SECONDS": "15",
        "TIDEGATE_CANCEL_GRACE_SECONDS": "30",
        "TIDEGATE_RETENTION_DAYS": "30",
        "TIDEGATE_DISPATCH_LEASE_SECONDS": "60",
        "POWERTOOLS_SERVICE_NAME": "tidegate",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
    }


@dataclass(frozen=True, slots=True)
class Deployment:
    """The three functions on tables and a queue of their own."""

    api: Any
    dispatcher: Any
    worker: Any
    jobs_table: str
    queue_url: str
    dynamodb: Any
    sqs: Any

    def submit(self) -> dict[str, Any]:
        """Submits a job through the API; returns its answer."""
        event = json.loads((ROOT / "events" / "api-submit-job.json").read_text(encoding="utf-8"))
        event["headers"].pop("Idempotency-Key")
        event["multiValueHeaders"].pop("Idempotency-Key")
        event["body"] = json.dumps({"type": "tidegate.noop"})
        answer: dict[str, Any] = self.api.lambda_handler(event, CONTEXT)
        return answer

    def record(self, job_id: str) -> dict[str, Any]:
        """Returns the stream record of a new job."""
        key = {"job_id": {"S": job_id}}
        image = self.dynamodb.get_item(TableName=self.jobs_table, Key=key)["Item"]
        return {"eventID": "1", "eventName": "INSERT", "dynamodb": {"Keys": key, "NewImage": image}}

    def message(self) -> dict[str, Any]:
        """Takes the next message from the queue; returns it as Lambda hands it on."""
        (message,) = self.sqs.receive_message(QueueUrl=self.queue_url)["Messages"]
        self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        }


@contextmanager
def deployment() -> Iterator[Deployment]:
    """Yields the functions over moto. Afterwards the environment of this process is as it was before."""
    with mock_aws():
        dynamodb, sqs = boto3.client("dynamodb", region_name=REGION), boto3.client("sqs", region_name=REGION)
        tables = {name: f"walks-{name}" for name in table_definitions()}
        for name, properties in table_definitions().items():
            dynamodb.create_table(TableName=tables[name], **properties)
        queue_url = sqs.create_queue(QueueName="walks")["QueueUrl"]
        with mock.patch.dict(os.environ, environment_of(tables, queue_url)):
            api, dispatcher, worker = _load("api"), _load("dispatcher"), _load("worker")
            logging.disable(logging.CRITICAL)
            try:
                yield Deployment(api, dispatcher, worker, tables["Jobs"], queue_url, dynamodb, sqs)
            finally:
                logging.disable(logging.NOTSET)


def _walk_all(deployed: Deployment, tracer: Tracer) -> dict[str, Walk]:
    """Takes one job through all three walks."""
    answers: list[dict[str, Any]] = []
    put = tracer.trace("job → put", "PutItem", lambda: answers.append(deployed.submit()))
    record = deployed.record(json.loads(answers[0]["body"])["job_id"])
    sent = tracer.trace(
        "stream record → SQS",
        "SendMessageBatch",
        lambda: deployed.dispatcher.lambda_handler({"Records": [record]}, CONTEXT),
    )
    message = deployed.message()
    done = tracer.trace(
        "SQS message → done",
        "UpdateItem",
        lambda: deployed.worker.lambda_handler({"Records": [message]}, CONTEXT),
    )
    return {"job-put": put, "record-sqs": sent, "message-done": done}


@contextmanager
def _time_stands_still() -> Iterator[None]:
    now_ns = time.time_ns()
    with ExitStack() as patches:
        for name, value in (
            ("time.time_ns", now_ns),
            ("time.monotonic_ns", time.monotonic_ns()),
            ("time.clock_gettime_ns", time.clock_gettime_ns(time.CLOCK_MONOTONIC)),
            # The clock follows the dates of AWS's answers, so these stand still as well.
            ("moto.core.responses.http_date", formatdate(now_ns // 1_000_000_000, usegmt=True)),
        ):
            patches.enter_context(mock.patch(name, return_value=value))
        yield


def walks() -> dict[str, Walk]:
    """Returns the three walks of the second job; the first one only loads what is loaded once."""
    tracer = Tracer()
    make_client = boto3.Session.client

    def watched_client(session: boto3.Session, *arguments: Any, **named: Any) -> Any:
        made: Any = make_client(session, *arguments, **named)
        tracer.watch(made)
        return made

    with (
        _time_stands_still(),
        deployment() as deployed,
        mock.patch.object(boto3.Session, "client", watched_client),
    ):
        _walk_all(deployed, tracer)
        return _walk_all(deployed, tracer)


def main() -> int:
    """Counts the walks and prints a table, JSON, or the calls of one walk. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.scripts.walks",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", choices=("table", "json"), default="table", help="default: table")
    parser.add_argument(
        "--calls", metavar="WALK", help="list the calls of job-put, record-sqs or message-done"
    )
    given = parser.parse_args()
    found = walks()
    if given.calls is not None:
        if given.calls not in found:
            parser.error(f"there is no walk {given.calls}; the walks are {', '.join(found)}")
        for call in found[given.calls].calls:
            print(f"{call.file}  {call.function}")
    elif given.output == "json":
        print(json.dumps({name: asdict(count(walk.calls)) for name, walk in found.items()}, indent=2))
    else:
        print(f"{'walk':<22}{'calls':>7}{'files':>7}{'changes':>9}")
        for walk in found.values():
            size = count(walk.calls)
            print(f"{walk.title:<22}{size.calls:>7}{size.files:>7}{size.changes:>9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
