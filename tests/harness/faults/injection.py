"""Makes one call of a run fail, before or after its effect, in whole or in part, and notes every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.harness.faults.sites import Site, site_under_way, use_cases_under_way
from tidegate.adapters.aws.clients import LONGEST_EFFORT_SECONDS, AwsClients

_NOWHERE = "http://127.0.0.1:9"


class Kind(StrEnum):
    """A way in which a call fails. TWICE is for writes to tables, the last three are for batches."""

    BEFORE = "BEFORE"  # it has no effect, and the caller learns that it failed
    AFTER = "AFTER"  # it has its effect, and the answer is lost
    TWICE = "TWICE"  # it has its effect, the answer is lost, and the client itself sends it again
    PART = "PART"  # half of it has its effect; the rest is named as left over, once
    STUCK = "STUCK"  # half of it has its effect; the rest is left over however often an operation repeats it
    DENIED = "DENIED"  # all of it has its effect, and half is named as left over all the same


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure in a run, of the call with this number, from 0."""

    number: int
    kind: Kind


Part = Callable[[int, str], Fault | None]
"""Asked at each call, by its number and operation, for a failure of it."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """The form in which the answer to one kind of batch names entries as left over."""

    split: Callable[[Mapping[str, Any], float], tuple[Mapping[str, Any] | None, Any]]
    add: Callable[[dict[str, Any], Any], dict[str, Any]]
    nothing: Mapping[str, Any]


def _halves(entries: Sequence[Any], share: float) -> tuple[Sequence[Any], Sequence[Any]]:
    middle = int(len(entries) * share)
    return entries[:middle], entries[middle:]


def _split_keys(given: Mapping[str, Any], share: float) -> tuple[Mapping[str, Any] | None, Any]:
    ((table, wanted),) = given["RequestItems"].items()
    first, rest = _halves(wanted["Keys"], share)
    request = {**given, "RequestItems": {table: {**wanted, "Keys": first}}} if first else None
    return request, {"UnprocessedKeys": {table: {**wanted, "Keys": rest}}}


def _split_writes(given: Mapping[str, Any], share: float) -> tuple[Mapping[str, Any] | None, Any]:
    ((table, writes),) = given["RequestItems"].items()
    first, rest = _halves(writes, share)
    request = {**given, "RequestItems": {table: first}} if first else None
    return request, {"UnprocessedItems": {table: rest}}


def _split_statements(given: Mapping[str, Any], share: float) -> tuple[Mapping[str, Any] | None, Any]:
    first, rest = _halves(given["Statements"], share)
    error = {"Code": "ThrottlingError", "Message": "slower"}
    return ({**given, "Statements": first} if first else None), [{"Error": error} for _ in rest]


def _split_entries(given: Mapping[str, Any], share: float) -> tuple[Mapping[str, Any] | None, Any]:
    first, rest = _halves(given["Entries"], share)
    failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in rest]
    return ({**given, "Entries": first} if first else None), failed


def _split_events(given: Mapping[str, Any], share: float) -> tuple[Mapping[str, Any] | None, Any]:
    first, rest = _halves(given["Entries"], share)
    failed = [{"ErrorCode": "InternalException", "ErrorMessage": "once more"} for _ in rest]
    return ({**given, "Entries": first} if first else None), failed


BATCHES: Mapping[str, _Batch] = {
    "BatchGetItem": _Batch(_split_keys, lambda answer, left: {**answer, **left}, {"Responses": {}}),
    "BatchWriteItem": _Batch(_split_writes, lambda answer, left: {**answer, **left}, {}),
    "BatchExecuteStatement": _Batch(
        _split_statements,
        lambda answer, left: {**answer, "Responses": [*answer["Responses"], *left]},
        {"Responses": []},
    ),
    "SendMessageBatch": _Batch(
        _split_entries, lambda answer, left: {**answer, "Failed": left}, {"Successful": []}
    ),
    "DeleteMessageBatch": _Batch(
        _split_entries, lambda answer, left: {**answer, "Failed": left}, {"Successful": []}
    ),
    "PutEvents": _Batch(
        _split_events,
        lambda answer, left: {
            "FailedEntryCount": len(left),
            "Entries": [*answer["Entries"], *left],
            "ResponseMetadata": answer["ResponseMetadata"],
        },
        {"Entries": []},
    ),
}
# BatchGetItem can't be denied: an answer holds the items that it read.
_DENIABLE = frozenset(BATCHES) - {"BatchGetItem"}
_CONDITIONAL = frozenset({"UpdateItem", "PutItem", "DeleteItem", "BatchExecuteStatement"})


def kinds_of(operation: str) -> tuple[Kind, ...]:
    """Returns the ways in which a call of this operation can fail."""
    kinds: tuple[Kind, ...] = (Kind.BEFORE, Kind.AFTER)
    if operation in _CONDITIONAL:
        kinds += (Kind.TWICE,)
    if operation in BATCHES:
        kinds += (Kind.PART, Kind.STUCK)
    if operation in _DENIABLE:
        kinds += (Kind.DENIED,)
    return kinds


@dataclass(frozen=True, slots=True)
class Call:
    """A call of AWS, and the modules of the use cases that made it."""

    site: Site
    operation: str
    use_cases: frozenset[str]


class Injector:
    """Stands between the clients and AWS while it is armed, and makes one call fail."""

    def __init__(self, clients: AwsClients, sites: frozenset[Site]) -> None:
        self.calls: list[Call] = []
        self.armed = False
        self._fault: Fault | None = None
        self._part: Part | None = None
        self._sites = sites
        self._refusing: Site | None = None
        self._refusing_until_seconds = 0.0
        self._timer = clients.timer
        for client in (clients.dynamodb, clients.sqs, clients.eventbridge):
            self._wrap(client)

    def arm(self, fault: Fault | None = None, *, part: Part | None = None) -> None:
        """Notes calls from now on, and makes the named one fail, or the one that `part` names at its turn."""
        self.calls = []
        self._fault, self._part = fault, part
        self._refusing = None
        self.armed = True

    def disarm(self) -> None:
        """Lets every call through again."""
        self.armed = False

    def _wrap(self, client: Any) -> None:
        make = client._make_api_call

        def call(operation: str, given: dict[str, Any]) -> Any:
            return self._call(make, operation, given) if self.armed else make(operation, given)

        client._make_api_call = call

    def _call(self, make: Callable[..., Any], operation: str, given: dict[str, Any]) -> Any:
        site = site_under_way(self._sites)
        number = len(self.calls)
        self.calls.append(Call(site, operation, use_cases_under_way()))
        if self._refusing == site and self._timer.monotonic_seconds() < self._refusing_until_seconds:
            return _partly(make, operation, given, 0.0)
        self._refusing = None
        if self._part is not None:
            self._fault = self._part(number, operation) or self._fault
        if self._fault is None or self._fault.number != number:
            return make(operation, given)
        match self._fault.kind:
            case Kind.BEFORE:
                raise _not_reached(operation, number)
            case Kind.AFTER:
                make(operation, given)
                raise _answer_lost(operation, number)
            case Kind.TWICE:
                make(operation, given)
                return _again(make, operation, given)
            case Kind.PART:
                return _partly(make, operation, given, 0.5)
            case Kind.STUCK:
                self._refusing = site
                self._refusing_until_seconds = self._timer.monotonic_seconds() + LONGEST_EFFORT_SECONDS
                return _partly(make, operation, given, 0.5)
            case Kind.DENIED:
                return _denied(make(operation, given), operation, given)


def _again(make: Callable[..., Any], operation: str, given: Mapping[str, Any]) -> Any:
    """Answers like a call that was sent twice: botocore counts the retries in each answer."""
    try:
        answer = make(operation, given)
    except ClientError as error:
        metadata: Any = error.response["ResponseMetadata"]
        metadata["RetryAttempts"] = 1
        raise
    return {**answer, "ResponseMetadata": {**answer["ResponseMetadata"], "RetryAttempts": 1}}


def _partly(make: Callable[..., Any], operation: str, given: Mapping[str, Any], share: float) -> Any:
    """Carries out the first part of a batch and names the rest as left over."""
    batch = BATCHES[operation]
    first, left = batch.split(given, share)
    answer = dict(batch.nothing) if first is None else make(operation, first)
    return batch.add({**answer, "ResponseMetadata": _METADATA}, left)


def _denied(answer: dict[str, Any], operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the answer to a batch that was carried out, with half of it named as left over."""
    batch = BATCHES[operation]
    _, left = batch.split(given, 0.5)
    if operation == "PutEvents":
        answer = {**answer, "Entries": answer["Entries"][: -len(left)]}
    if operation == "BatchExecuteStatement":
        answer = {**answer, "Responses": answer["Responses"][: -len(left)]}
        left = [{"Error": {"Code": "InternalServerError", "Message": "who knows"}} for _ in left]
    return batch.add(answer, left)


_METADATA = {"HTTPStatusCode": 200, "RetryAttempts": 0}


def _not_reached(operation: str, number: int) -> Exception:
    """Returns the error that botocore raises when its own retries are used up. Two kinds take turns, so that both
    occur.

    It is no throttle: an operation goes on after a throttle, and its caller learns nothing of it
    (tests/contract/test_efforts.py).
    """
    if number % 2:
        return EndpointConnectionError(endpoint_url=_NOWHERE)
    return _refusal("ServiceUnavailable", 503, operation)


def _answer_lost(operation: str, number: int) -> Exception:
    if number % 2:
        return ReadTimeoutError(endpoint_url=_NOWHERE)
    return _refusal("InternalServerError", 500, operation)


def _refusal(code: str, status: int, operation: str) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status, "RetryAttempts": 4}
    return ClientError(
        {"Error": {"Code": code, "Message": "says AWS"}, "ResponseMetadata": metadata}, operation
    )
