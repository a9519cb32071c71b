"""The events that leave the stack, on an event bus of Amazon EventBridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from tidegate.adapters.aws.calls import chunks, compact_json
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import TRANSIENT_CODES, translated
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.events import SOURCE, DeadlineFacts, Event, JobFacts, Subject, WorkflowFacts

_ENTRIES_PER_CALL = 10
# EventBridge counts all entries of a call together. Source: Amazon EventBridge User Guide, PutEvents.
_CALL_BYTES = 256 * 1_024
# The source, the type and the time of an entry count too.
_ENTRY_BYTES = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Entry: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventBridgeBus:
    """Puts events on one bus, at most ten in a call; see ports.EventBus. `name` is the name of the bus."""

    clients: AwsClients
    name: str

    def publish(self, events: Sequence[Event]) -> None:
        """Puts the events on the bus. Repeats the entries that it did not take until the effort's time is over."""
        effort = self.clients.effort()
        action = "publishing events"

        def attempt(left: Sequence[_Entry]) -> Sequence[_Entry]:
            with translated(action):
                answer = self.clients.eventbridge.put_events(Entries=left)
            codes = [each.get("ErrorCode") for each in answer["Entries"]]
            # The codes come from the service; an entry itself may hold names and tags, so no message tells it.
            refused = next((code for code in codes if code and not _may_succeed(code)), None)
            if refused is not None:
                raise ServiceRefused(
                    f"{action} was refused ({refused}); check the event bus and the recorder's permissions"
                )
            return [entry for entry, code in zip(left, codes, strict=True) if code]

        self.clients.fan_out.map(
            lambda batch: self.clients.until_all_done(action, batch, attempt, effort),
            _batches([self._entry(event) for event in events]),
        )

    def _entry(self, event: Event) -> _Entry:
        return {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": str(event.type),
            "Time": _EPOCH + timedelta(milliseconds=event.at_ms),
            "Detail": compact_json(detail_of(event)),
        }


def detail_of(event: Event) -> dict[str, Any]:
    """Returns an event as its `detail` says it on the bus. `docs/reference/events.md` tells each field."""
    name, facts = _told(event.subject)
    deadline = {} if event.deadline is None else {"deadline": _deadline(event.deadline)}
    return {"id": event.id, "at": _time(event.at_ms), name: facts, **deadline}


def _told(subject: Subject) -> tuple[str, Mapping[str, Any]]:
    if isinstance(subject, JobFacts):
        return "job", {
            "id": subject.job_id,
            "key": subject.key,
            "name": subject.name,
            "type": subject.type,
            "state": str(subject.state),
            "pool": subject.pool,
            "workflow_id": subject.workflow_id,
            "tags": dict(subject.tags),
            "attempts": subject.attempts,
            "submitted_at": _time(subject.submitted_at_ms),
            "started_at": _time(subject.started_at_ms),
            "ended_at": _time(subject.ended_at_ms),
            "error_code": subject.error_code,
        }
    if isinstance(subject, WorkflowFacts):
        counts = subject.job_counts
        return "workflow", {
            "id": subject.workflow_id,
            "name": subject.name,
            "state": str(subject.state),
            "tags": dict(subject.tags),
            "job_count": subject.job_count,
            "job_counts": None if counts is None else {str(state): count for state, count in counts.items()},
            "submitted_at": _time(subject.submitted_at_ms),
            "started_at": _time(subject.started_at_ms),
            "ended_at": _time(subject.ended_at_ms),
        }
    return "worker", {
        "id": subject.worker_id,
        "name": subject.name,
        "pool": subject.pool,
        "state": str(subject.state),
        "host": subject.host,
        "tags": dict(subject.tags),
        "slots": subject.slots,
        "running": subject.running,
        "started_at": _time(subject.started_at_ms),
        "heartbeat_at": _time(subject.heartbeat_at_ms),
    }


def _deadline(deadline: DeadlineFacts) -> Mapping[str, Any]:
    return {
        "finish_by": _time(deadline.finish_by_ms),
        "verdict": str(deadline.verdict),
        "probability": deadline.probability,
    }


def _time(at_ms: int | None) -> str | None:
    """Returns a time as the API writes it, such as `2026-12-01T06:00:00.000Z`; None stays None."""
    if at_ms is None:
        return None
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _may_succeed(code: str) -> bool:
    return code in TRANSIENT_CODES or code == "InternalException"


def _batches(entries: Sequence[_Entry]) -> list[Sequence[_Entry]]:
    """Returns the entries in order, in portions that a call may have by number and by size."""
    found: list[Sequence[_Entry]] = []
    for portion in chunks(entries, _ENTRIES_PER_CALL):
        batch: list[_Entry] = []
        size = 0
        for entry in portion:
            added = len(entry["Detail"].encode()) + _ENTRY_BYTES
            if batch and size + added > _CALL_BYTES:
                found.append(batch)
                batch, size = [], 0
            batch.append(entry)
            size += added
        found.append(batch)
    return found
