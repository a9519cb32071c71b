"""DynamoDB, SQS and EventBridge of the local emulator, in this process and on a virtual clock.

A call takes half a millisecond. The clients are real ones of boto3. The requests that they would sign and send go to
the emulator's own functions, and botocore parses the answers like any answer of AWS.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, TypeVar

from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel
from botocore.parsers import ResponseParser, create_parser
from ministack.services import dynamodb, eventbridge, sqs

from tests.harness.contract.stores import aws_clients, make_queue
from tests.harness.tables import create_tables, table_properties
from tidegate.adapters.aws.clients import AwsClients, FanOut
from tidegate.settings import Tables
from tidegate_devstack import strictness
from tidegate_devstack.statements import put_right
from tidegate_devstack.strictness import make_strict

T = TypeVar("T")
R = TypeVar("R")

_NOWHERE = "http://127.0.0.1:9"
_STREAMED = ("jobs", "workers", "control", "submissions")
EVENT_BUS = "bus"
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
        eventbridge.reset()
        buses: Any = self.clients.eventbridge
        buses.create_event_bus(Name=EVENT_BUS)
        tables = create_tables(self.clients.dynamodb, "T")
        for field in _STREAMED:
            specification: Any = {"StreamEnabled": True, "StreamViewType": _view_of(field)}
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

    def published(self) -> list[dict[str, Any]]:
        """Returns the events that the bus took, as their entries hold them, oldest first."""
        taken = eventbridge._events_log_list()
        return [each for each in taken if each["EventBusName"] == EVENT_BUS]

    def records(self, table: str, after: int) -> list[dict[str, Any]]:
        """Returns the records of a table's stream after the first `after`."""
        found: list[dict[str, Any]] = dynamodb.stream_records_since(table, after, _MOST_RECORDS)
        return found

    def items(self, table: str) -> list[dict[str, Any]]:
        """Returns all items of a table."""
        partitions: dict[str, dict[str, Any]] = dynamodb._tables[table]["items"]
        return [item for items in partitions.values() for item in items.values()]


def _view_of(field: str) -> str:
    """Returns the view of a table's stream, also of one that is there under a condition alone."""
    specification = table_properties(field)["StreamSpecification"]
    return str((specification if "StreamViewType" in specification else specification[1])["StreamViewType"])


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
    for client in (clients.dynamodb, clients.sqs, clients.eventbridge):
        client.meta.events.register("before-call", _answer)  # type: ignore[arg-type]  # it may answer
        _skip_network_work(client)
    return clients


def _skip_network_work(client: Any) -> None:
    """Has a client make no address and no user agent: no request leaves this process, so nothing reads them.

    botocore makes both anew for each call, which takes a sixth of its time.
    """
    client._ruleset_resolver = None  # it then takes the address that it was given
    client._user_agent_creator = SimpleNamespace(to_string=lambda: "emulated")


@contextmanager
def emulated_aws() -> Iterator[EmulatedAws]:
    """Starts the emulator with its missing parts on a virtual clock, and restores it at the end."""
    aws = EmulatedAws()
    # All of them: `make_strict` wraps what `put_right` replaces, so a part of the patches can't be taken off alone.
    before = {name: each for name, each in vars(dynamodb).items() if callable(each) or name == "copy"}
    clock, loggers = sqs.time, [logging.getLogger(name) for name in ("dynamodb", "sqs")]
    levels = [logger.level for logger in loggers]
    put_right()
    make_strict()
    _remember_pure_work()
    sqs.time = SimpleNamespace(time=lambda: aws.now_ms / 1_000)
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield aws
    finally:
        for name, function in before.items():
            setattr(dynamodb, name, function)
        strictness._wrapped.clear()  # so that the next start makes it strict again
        sqs.time = clock
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        dynamodb.reset()
        sqs.reset()
        eventbridge.reset()


_PURE = ("_number_size_bytes", "_tokenize")
"""Functions of the emulator whose result depends on a text alone. It asks them for the same few texts in every call."""


def _remember_pure_work() -> None:
    """Has the emulator remember what it found in a text, and copy items in a quick way.

    Patches ministack's `dynamodb`. The results are the same: a test of thousands of runs takes a tenth less time.
    """
    size_of, tokens_of = (lru_cache(_REMEMBERED)(getattr(dynamodb, name)) for name in _PURE)
    dynamodb._number_size_bytes = size_of
    dynamodb._tokenize = lambda text: list(tokens_of(text))  # its callers may change the list
    dynamodb.copy = SimpleNamespace(deepcopy=_copied)


def _copied(value: Any) -> Any:
    """Copies what JSON can hold, which needs none of the memory that `copy.deepcopy` keeps of other objects."""
    if type(value) is dict:
        return {name: _copied(each) for name, each in value.items()}
    if type(value) is list:
        return [_copied(each) for each in value]
    return value if type(value) in _UNCHANGING else copy.deepcopy(value)


_SERVICES = {"dynamodb": dynamodb, "sqs": sqs, "events": eventbridge}
_REMEMBERED = 4_096
_UNCHANGING = frozenset({str, int, float, bool, bytes, type(None)})


def _answer(model: OperationModel, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
    """Hands a request to the emulator instead of sending it, and reads the answer as botocore does."""
    headers = {name.lower(): value for name, value in params["headers"].items()}
    service = _SERVICES[model.service_model.service_name]
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


@cache
def _parser_of(protocol: str) -> ResponseParser:
    return create_parser(protocol)


def _parsed(model: OperationModel, answer: dict[str, Any]) -> dict[str, Any]:
    service = model.service_model
    parser = _parser_of(service.resolved_protocol)
    parsed: dict[str, Any] = parser.parse(answer, model.output_shape)  # type: ignore[arg-type]  # None is allowed
    if answer["status_code"] >= 300:
        shape = service.shape_for_error_code(parsed["Error"]["Code"])
        if shape is not None:
            parsed.update(parser.parse(answer, shape))  # an error brings the item that refused
    return parsed
