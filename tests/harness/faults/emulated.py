"""DynamoDB and SQS of the local emulator, in this process and on a virtual clock: a call takes half a millisecond.

The clients are real ones of boto3. The requests that they would sign and send go to the emulator's own functions, and
botocore parses the answers like any answer of AWS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, TypeVar

from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel
from botocore.parsers import create_parser
from ministack.services import dynamodb, sqs

from tests.harness.contract.stores import aws_clients, make_queue
from tests.harness.tables import create_tables, table_properties
from tidegate.adapters.aws.clients import AwsClients, FanOut
from tidegate.settings import Tables
from tidegate_devstack.statements import put_right
from tidegate_devstack.strictness import make_strict

T = TypeVar("T")
R = TypeVar("R")

_NOWHERE = "http://127.0.0.1:9"
_STREAMED = ("jobs", "workers", "control")
_MOST_RECORDS = 10_000


class EmulatedAws:
    """An account that can be emptied. `now_ms` is the queues' time, in milliseconds since the epoch."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.clients = emulated_clients()

    def empty(self, now_ms: int) -> Tables:
        """Starts over with empty tables of the template and open streams."""
        self.now_ms = now_ms
        dynamodb.reset()
        sqs.reset()
        tables = create_tables(self.clients.dynamodb, "T")
        for field in _STREAMED:
            view = str(table_properties(field)["StreamSpecification"]["StreamViewType"])
            specification: Any = {"StreamEnabled": True, "StreamViewType": view}
            self.clients.dynamodb.update_table(
                TableName=getattr(tables, field), StreamSpecification=specification
            )
        return tables

    def make_queue(self, name: str) -> str:
        """Makes a queue with a queue of dead letters. Returns its address."""
        return make_queue(self.clients, name)

    def lose_messages(self) -> None:
        """Drops all messages of a queue."""
        for queue in sqs._queues.values():
            queue["messages"].clear()

    def messages(self) -> int:
        """Returns the number of messages in all queues, hidden ones included."""
        return sum(len(queue["messages"]) for queue in sqs._queues.values())

    def records(self, table: str, after: int) -> list[dict[str, Any]]:
        """Returns the records of a table's stream after the first `after`."""
        found: list[dict[str, Any]] = dynamodb.stream_records_since(table, after, _MOST_RECORDS)
        return found

    def items(self, table: str) -> list[dict[str, Any]]:
        """Returns all items of a table."""
        partitions: dict[str, dict[str, Any]] = dynamodb._tables[table]["items"]
        return [item for items in partitions.values() for item in items.values()]


@dataclass(frozen=True, slots=True)
class InTurn(FanOut):
    """Makes independent calls one after the other, in the caller's thread."""

    def map(self, call: Callable[[T], R], arguments: Iterable[T]) -> list[R]:
        """Returns the results in the order of the arguments. All calls are made before the first error is raised."""
        results: list[R] = []
        errors: list[Exception] = []
        for argument in arguments:
            try:
                results.append(call(argument))
            except Exception as error:  # noqa: BLE001  # it is raised after the last call
                errors.append(error)
        if errors:
            raise errors[0]
        return results


def emulated_clients() -> AwsClients:
    """Makes clients of the emulator in this process. They call in the caller's thread, so a run keeps its order."""
    clients = replace(aws_clients(_NOWHERE, threads=1), fan_out=InTurn(1))
    for client in (clients.dynamodb, clients.sqs):
        client.meta.events.register("before-call", _answer)  # type: ignore[arg-type]  # it may answer
    return clients


@contextmanager
def emulated_aws() -> Iterator[EmulatedAws]:
    """Starts the emulator with its missing parts on a virtual clock, and restores it at the end."""
    aws = EmulatedAws()
    lacking = (
        "_partiql_insert",
        "_partiql_update",
        "_pq_call",
        "_parse_partiql",
        "_batch_execute_statement",
    )
    before = {name: getattr(dynamodb, name) for name in lacking}
    clock, loggers = sqs.time, [logging.getLogger(name) for name in ("dynamodb", "sqs")]
    levels = [logger.level for logger in loggers]
    put_right()
    make_strict()
    sqs.time = SimpleNamespace(time=lambda: aws.now_ms / 1_000)
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield aws
    finally:
        for name, function in before.items():
            setattr(dynamodb, name, function)
        sqs.time = clock
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        dynamodb.reset()
        sqs.reset()


def _answer(model: OperationModel, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
    """Hands a request to the emulator instead of sending it, and reads the answer as botocore does."""
    headers = {name.lower(): value for name, value in params["headers"].items()}
    service = dynamodb if model.service_model.service_name == "dynamodb" else sqs
    work = service.handle_request("POST", "/", headers, params["body"], {})
    try:
        work.send(None)
    except StopIteration as done:
        status, answered, body = done.value
    else:
        raise AssertionError("the emulator wants to wait, and nobody would move the time")
    answer = {
        "status_code": status,
        "headers": HeadersDict(answered),
        "body": body if isinstance(body, bytes) else body.encode(),
    }
    return SimpleNamespace(status_code=status), _parsed(model, answer)


def _parsed(model: OperationModel, answer: dict[str, Any]) -> dict[str, Any]:
    service = model.service_model
    parser = create_parser(service.resolved_protocol)
    parsed: dict[str, Any] = parser.parse(answer, model.output_shape)  # type: ignore[arg-type]  # None is allowed
    if answer["status_code"] >= 300:
        shape = service.shape_for_error_code(parsed["Error"]["Code"])
        if shape is not None:
            parsed.update(parser.parse(answer, shape))  # an error brings the item that refused
    return parsed
