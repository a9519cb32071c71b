"""The progress of workflows on DynamoDB: one item for each segment, and a few for each graph.

The marks of a segment are stored by columns, and as bytes of equal weight side by side, because those compress well. A
job that is PENDING or has ended needs little more than its state, so a typical segment takes well below 1 KB.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.graphs import graph_from, packed_graph
from tidegate.adapters.dynamodb.statements import absent, condition_arguments, equals
from tidegate.adapters.dynamodb.values import Attribute, Item, Plain, decode_item, encode_item
from tidegate.domain.progress import JobMark, Segment, SegmentChange, mark
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.workflow_graph import WorkflowGraph
from tidegate.settings import Tables

_STATES = tuple(State)  # stored as indexes, so that a new state must be added at the end
_PLACE_OF = {state: place for place, state in enumerate(_STATES)}
_GRAPH_PART_BYTES = 350_000  # an item may hold 400 KB


@dataclass(frozen=True, slots=True)
class DynamoProgressStore:
    """Stores segments and graphs in the Progress table; see ports.ProgressStore."""

    clients: AwsClients
    tables: Tables

    def load(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Segment]:
        """Returns the segments that exist, by workflow id and number, from consistent reads."""
        keys = [_key(workflow_id, schema.segment_part(number)) for workflow_id, number in places]
        items = DynamoBatches(self.clients).read(self.tables.progress, keys, consistent=True)
        segments = [_segment_from(item) for item in items]
        return {(each.workflow_id, each.number): each for each in segments}

    def load_all(self, workflow_id: str, *, consistent: bool = False) -> tuple[Segment, ...]:
        """Returns the stored segments of a workflow, by number."""
        found = self._query(workflow_id, schema.SEGMENT_PREFIX, consistent)
        return tuple(_segment_from(item) for item in found)

    def save(self, segments: Sequence[Segment]) -> list[bool]:
        """Writes each segment if the stored version is the one before it. Returns where that was so, in order."""
        saved: dict[int, bool] = {}

        def put(place: int) -> None:
            saved[place] = self._put(segments[place])

        self.clients.until_each_done("writing progress", range(len(segments)), put)
        return [saved[place] for place in range(len(segments))]

    def _put(self, segment: Segment) -> bool:
        before = segment.version - 1
        condition = equals(schema.VERSION, before) if before else absent(schema.WORKFLOW_ID)
        try:
            with translated(f"writing progress of {segment.workflow_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.progress,
                    Item=segment_item(segment),
                    **condition_arguments(condition),
                )
        except ClientError:
            return False
        return True

    def save_graph(self, workflow_id: str, graph: WorkflowGraph, expires_at_s: int | None) -> None:
        """Stores a workflow's graph, over the graph of an earlier call, which is the same graph."""
        packed = packed_graph(graph)
        cuts = range(0, len(packed), _GRAPH_PART_BYTES)
        values: list[Mapping[str, Plain]] = [
            {
                schema.GRAPH: packed[start : start + _GRAPH_PART_BYTES],
                schema.PAGES: len(cuts),
                schema.EXPIRES_AT: expires_at_s,
            }
            for start in cuts
        ]
        items = [
            {**_key(workflow_id, schema.graph_part(number)), **encode_item(value)}
            for number, value in enumerate(values)
        ]

        def put(item: Item) -> None:
            with translated(f"writing the graph of {workflow_id}"):
                self.clients.dynamodb.put_item(TableName=self.tables.progress, Item=item)

        self.clients.until_each_done("writing a graph", items, put)

    def load_graph(self, workflow_id: str) -> WorkflowGraph | None:
        """Returns the graph that was stored, None without one or where a part of it is missing."""
        parts = [decode_item(item) for item in self._query(workflow_id, schema.GRAPH_PREFIX, False)]
        if not parts or len(parts) < parts[0][schema.PAGES]:
            return None
        return graph_from(b"".join(bytes(part[schema.GRAPH]) for part in parts))

    def _query(self, workflow_id: str, prefix: str, consistent: bool) -> Iterator[Item]:
        return DynamoBatches(self.clients).query(
            self.tables.progress,
            KeyConditionExpression="#id = :id AND begins_with(#part, :prefix)",
            ExpressionAttributeNames={"#id": schema.WORKFLOW_ID, "#part": schema.PART},
            ExpressionAttributeValues={":id": {"S": workflow_id}, ":prefix": {"S": prefix}},
            ConsistentRead=consistent,
        )


def _key(workflow_id: str, part: str) -> Item:
    return {schema.WORKFLOW_ID: {"S": workflow_id}, schema.PART: {"S": part}}


def segment_item(segment: Segment) -> Item:
    """Returns a segment as it is stored."""
    values: dict[str, Plain] = {
        schema.VERSION: segment.version,
        schema.MARKS: _packed(segment),
        schema.STARTED_AT: segment.started_at_ms,
        schema.ENDED_AT: segment.ended_at_ms,
        schema.EXPIRES_AT: segment.expires_at_s,
    }
    return {**_key(segment.workflow_id, schema.segment_part(segment.number)), **encode_item(values)}


def _segment_from(item: Mapping[str, Attribute]) -> Segment:
    values = decode_item(item)
    marks, recent, recent_from, ran = _unpacked(bytes(values[schema.MARKS]))
    return Segment(
        workflow_id=values[schema.WORKFLOW_ID],
        number=int(values[schema.PART].removeprefix(schema.SEGMENT_PREFIX)),
        marks=marks,
        version=values[schema.VERSION],
        recent=recent,
        recent_from=recent_from,
        started_at_ms=values.get(schema.STARTED_AT),
        ended_at_ms=values.get(schema.ENDED_AT),
        ran=ran,
        expires_at_s=values.get(schema.EXPIRES_AT),
    )


# --- the marks of a segment as bytes ---------------------------------------------------------------

_HEAD = struct.Struct(">HHHHI")  # jobs, reopened jobs, jobs under way, recent changes, recent_from
_COLUMNS: tuple[tuple[str, int], ...] = (("H", 2), ("I", 4), ("I", 4), ("Q", 8), ("I", 4), ("H", 2), ("B", 1))


def _packed(segment: Segment) -> bytes:
    marks = segment.marks
    reopened = [(index, each.reopened) for index, each in enumerate(marks) if each.reopened]
    under_way = [each for each in marks if each.is_under_way]
    columns = (
        [index for index, _ in reopened],
        [times for _, times in reopened],
        [each.attempt for each in under_way],
        [each.ready_at_ms for each in under_way],
        [change.version - segment.recent_from for change in segment.recent],
        [change.offset for change in segment.recent],
        [ran for each, ran in zip(marks, segment.ran, strict=False) if each.state in TERMINAL],
    )
    head = _HEAD.pack(len(marks), len(reopened), len(under_way), len(segment.recent), segment.recent_from)
    states = bytes(_PLACE_OF[each.state] for each in marks)
    body = b"".join(
        _planes(values, kind, width) for values, (kind, width) in zip(columns, _COLUMNS, strict=True)
    )
    return zlib.compress(head + states + body, 9)


def _unpacked(packed: bytes) -> tuple[tuple[JobMark, ...], tuple[SegmentChange, ...], int, bytes]:
    data = zlib.decompress(packed)
    jobs, reopened_count, moving, recent_count, recent_from = _HEAD.unpack_from(data)
    at = _HEAD.size + jobs
    states = [_STATES[place] for place in data[_HEAD.size : at]]
    columns: list[list[int]] = []
    ended = [index for index, state in enumerate(states) if state in TERMINAL]
    lengths = (reopened_count, reopened_count, moving, moving, recent_count, recent_count, len(ended))
    for length, (kind, width) in zip(lengths, _COLUMNS, strict=True):
        columns.append(_from_planes(data[at : at + length * width], kind, width))
        at += length * width
    indexes, times, attempts, ready_at, versions, changed, durations = columns
    ran = bytearray(jobs)
    for index, duration in zip(ended, durations, strict=False):  # an earlier release stored no durations
        ran[index] = duration
    reopened = dict(zip(indexes, times, strict=True))
    under_way = iter(zip(attempts, ready_at, strict=True))
    marks = tuple(_mark(state, reopened.get(index, 0), under_way) for index, state in enumerate(states))
    recent = tuple(
        SegmentChange(recent_from + version, index) for version, index in zip(versions, changed, strict=True)
    )
    return marks, recent, recent_from, bytes(ran)


def _mark(state: State, reopened: int, under_way: Iterator[tuple[int, int]]) -> JobMark:
    plain = mark(state, reopened)
    return mark(state, reopened, *next(under_way)) if plain.is_under_way else plain


def _planes(values: Sequence[int], kind: str, width: int) -> bytes:
    """Returns the numbers as bytes: the highest byte of each, then the next one of each, and so on."""
    data = struct.pack(f">{len(values)}{kind}", *values)
    return b"".join(data[start::width] for start in range(width))


def _from_planes(data: bytes, kind: str, width: int) -> list[int]:
    length = len(data) // width
    rows: Iterable[Any] = zip(
        *(data[start * length : (start + 1) * length] for start in range(width)), strict=True
    )
    return list(struct.unpack(f">{length}{kind}", b"".join(bytes(row) for row in rows)))
