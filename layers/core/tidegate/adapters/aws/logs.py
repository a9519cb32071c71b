"""CloudWatch Logs as the keeper of what job code prints: the form of a line, and the reader.

One line is one event: a JSON object with the job's id, the attempt and the line's number in it. The reader asks for
exactly one stream and compares both in code, because a search for the id `…1` would also find `…10`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.calls import compact_json
from tidegate.adapters.aws.errors import error_code, translated
from tidegate.domain.logs import DatedLine, LogLine, LogPlace
from tidegate.ports import LogPortion

if TYPE_CHECKING:
    from tidegate.adapters.aws.clients import AwsClients

MISSING = "ResourceNotFoundException"
_NOTHING = LogPortion((), None, None)


def event_text(line: LogLine) -> str:
    """Returns the text of the event that keeps a line."""
    return compact_json(
        {"job_id": line.job_id, "attempt": line.attempt, "line": line.number, "text": line.text}
    )


def line_from(text: str) -> LogLine | None:
    """Returns the line that an event keeps; None where the event is no line of a job."""
    try:
        values: Any = json.loads(text)
        return LogLine(
            str(values["job_id"]), int(values["attempt"]), int(values["line"]), str(values["text"])
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


class CloudWatchLogReader:
    """Reads logs from CloudWatch Logs; see ports.LogReader. A portion is one call: 1 MB or 10,000 events."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read(
        self, place: LogPlace, job_id: str, attempt: int, *, from_ms: int, to_ms: int, position: str | None
    ) -> LogPortion:
        """Reads one portion of the lines of an attempt."""
        more: Any = {} if position is None else {"nextToken": position}
        with translated("reading logs"):
            try:
                answer = self._clients.logs.get_log_events(
                    logGroupName=place.group,
                    logStreamName=place.stream,
                    startTime=from_ms,
                    endTime=to_ms,
                    startFromHead=True,
                    **more,
                )
            except ClientError as error:
                if error_code(error) != MISSING:
                    raise
                return _NOTHING  # the worker has printed nothing yet
        events = answer["events"]
        # A portion may be empty before the end. At the end the service answers with the token that it was given.
        token = answer["nextForwardToken"]
        found = []
        for event in events:
            line = line_from(event["message"])
            if line is not None and (line.job_id, line.attempt) == (job_id, attempt):
                found.append(DatedLine(event["timestamp"], line))
        looked_to_ms = events[-1]["timestamp"] if events else None
        return LogPortion(tuple(found), looked_to_ms, None if token == position else token)
